"""The wheel: presets, schemas and prices are inside, and the code finds them there as in a copy of the project."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fusion_graph.graph.pipeline_tests import is_tests

ROOT = Path(__file__).parents[2]
PRESETS = sorted(path.stem for path in (ROOT / "pipelines").glob("*.yaml") if not is_tests(path))
PROGRAM = "from fusion_graph.wiring import pipelines; print(pipelines.__file__, *sorted(pipelines.presets()))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built without a network by the backend that pyproject names."""
    folder = tmp_path_factory.mktemp("wheel")
    build = f"import hatchling.build as b; b.build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_holds_what_the_code_reads(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"fusion_graph/pipelines/{name}.yaml" for name in PRESETS} <= names
    assert {path.name for path in (ROOT / "schemas").glob("*.json")} <= {name.rpartition("/")[2] for name in names}
    assert {"fusion_graph/data/prices.json", "fusion_graph/data/windows.json", "fusion_graph/py.typed"} <= names
    assert not [name for name in names if name.startswith(("tests/", "scripts/", "docs/"))]


def test_presets_are_found_in_a_wheel(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {PROGRAM}"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.split() == [str(tmp_path / "fusion_graph" / "wiring" / "pipelines.py"), *PRESETS]


def test_presets_are_found_beside_the_package() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.split()[1:] == PRESETS
