"""The project with its core compiled, in build/compiled: the wheel of the build hook, unpacked, and copies of what lies
beside the package here (hatchling would walk through links and leave out what it finds twice). Tests and benchmarks run
there as they do here.

    python -m scripts.compiled    # build it, if it is not there or a source was changed
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from scripts.stack import ROOT

TREE = ROOT / "build" / "compiled"
SOURCES = ("fusion_graph", "pipelines", "schemas")
HOOK = Path(__file__).with_name("compile_hook.py")
BESIDE = ("benchmarks", "docs", "integrations", "pipelines", "schemas", "scripts", "tests")


def main() -> None:
    """Exit with 1 and the reason where nothing can be compiled."""
    done, wanted = TREE / ".ok", state()
    if not done.is_file() or done.read_text("utf-8") != wanted:
        print("compiling the core (a minute or two, once)", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            built = zipfile.ZipFile(wheel(Path(folder)))
            shutil.rmtree(TREE, ignore_errors=True)
            built.extractall(TREE)
        done.write_text(wanted, "utf-8")
    for name in BESIDE:
        shutil.rmtree(TREE / name, ignore_errors=True)
        shutil.copytree(ROOT / name, TREE / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    for path in (*ROOT.glob("*.md"), ROOT / "Makefile", ROOT / "pyproject.toml"):
        shutil.copy(path, TREE)


def state() -> str:
    """What the wheel is made of, and by what."""
    digest = hashlib.sha256(sys.version.encode())
    files = [path for name in SOURCES for path in (ROOT / name).rglob("*.*")]
    for path in sorted([*files, HOOK, ROOT / "pyproject.toml"]):
        if "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(ROOT)} ".encode() + path.read_bytes())
    return digest.hexdigest()


def wheel(folder: Path) -> Path:
    """Built with the hook on."""
    from hatchling.build import build_wheel

    os.environ["HATCH_BUILD_HOOKS_ENABLE"] = "true"
    os.chdir(ROOT)
    return folder / build_wheel(str(folder))


if __name__ == "__main__":
    main()
