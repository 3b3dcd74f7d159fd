"""The wheel as a stranger gets it: built, installed into a fresh virtual environment, used outside of this checkout.

Run it with the interpreter to test; it needs the build backend (`requirements/build.txt`) and what pip can reach.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path

from scripts.stack import ROOT, environment_of

INSIDE = """
import pathlib, sys
import fusion_graph
from fusion_graph.wiring import pipelines
package = pathlib.Path(fusion_graph.__file__).parent
assert package.is_relative_to(sys.prefix), f"imported from {package}"
print(*sorted(pipelines.presets()), *sorted(path.name for path in (package / "schemas").glob("*.json")))
assert (package / "data" / "prices.json").is_file() and (package / "py.typed").is_file()
"""


def main() -> None:
    """Exit with 0 when the installed program does its work."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve()
        assert not folder.is_relative_to(ROOT), f"{folder} lies in the checkout"
        python = install(build(folder), folder)
        use(python, folder)
    print("verify-install: the wheel works outside of the checkout")


def build(folder: Path) -> Path:
    """The wheel, by the backend that pyproject names; nothing is downloaded."""
    call([sys.executable, "-c", f"import hatchling.build as b; b.build_wheel({str(folder)!r})"], ROOT)
    (wheel,) = folder.glob("*.whl")
    print(f"built {wheel.name}")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """The fresh environment's interpreter."""
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    call([*pip, "--require-hashes", "-r", str(ROOT / "requirements" / "run.txt")], folder)
    call([*pip, str(wheel)], folder)
    call([str(python), "-m", "pip", "check"], folder)
    print("installed into a fresh environment; nothing is missing")
    return python


def use(python: Path, folder: Path) -> None:
    """Presets and schemas are inside; a pipeline runs on simulated models."""
    work = folder / "work"
    work.mkdir()
    environment = environment_of(work, FUSION_BACKEND="sim")
    found = call([str(python), "-c", INSIDE], work, environment).split()
    presets = sorted(path.stem for path in (ROOT / "pipelines").glob("*.yaml") if not path.stem.endswith(".tests"))
    schemas = sorted(path.name for path in (ROOT / "schemas").glob("*.json"))
    assert found == [*presets, *schemas], f"the wheel holds {found}"
    print(f"inside: {len(presets)} presets, {len(schemas)} schemas")
    program = str(python.with_name("fusiongraph"))
    call([program, "check", "budget"], work, environment)
    assert call([program, "run", "budget", "What is the capital of Australia?"], work, environment).strip()
    assert "panel+refine" in call([program, "eval", "--ab", "--dry-run"], work, environment)
    print("fusiongraph check, fusiongraph run, fusiongraph eval: ok")


def call(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Standard output; the program ends here if the command fails."""
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"verify-install: {' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
