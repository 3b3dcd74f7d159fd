"""The project with its core compiled, in build/compiled: the wheel of the build hook, unpacked, and links to all that
lies beside the package here. Tests and benchmarks run there as they do here.

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
OWN = {"fusion_graph", "build", "dist"}
"""Never linked: what the wheel brings, and what builds leave."""


def main() -> None:
    """Exit with 1 and the reason where nothing can be compiled."""
    done, wanted = TREE / ".ok", state()
    if done.is_file() and done.read_text("utf-8") == wanted:
        return
    print("compiling the core (a minute or two, once)", flush=True)
    shutil.rmtree(TREE, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(wheel(Path(folder))).extractall(TREE)
    for path in ROOT.iterdir():
        if path.name not in OWN and not path.name.startswith("."):
            (TREE / path.name).symlink_to(Path("..", "..", path.name))
    done.write_text(wanted, "utf-8")


def state() -> str:
    """What the tree is made of: it changes with every source of it."""
    digest = hashlib.sha256(sys.version.encode())
    files = [path for path in (ROOT / "fusion_graph").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    for path in sorted(
        [*files, *ROOT.glob("p*/*.yaml"), *ROOT.glob("schemas/*"), Path(__file__), ROOT / "pyproject.toml"]
    ):
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
