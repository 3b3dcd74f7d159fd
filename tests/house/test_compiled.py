"""The compiled core: what may stand in its modules, and that it does what the sources do."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from scripts.compile_hook import modules

ROOT = Path(__file__).parents[2]
HOOK = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"][
    "hooks"
]
COMPILED = modules(ROOT, HOOK["custom"])
TREE = ROOT / "build" / "compiled"
IS_TREE = (ROOT / ".ok").is_file()  # then these tests are run in the compiled tree
BOTH = (
    "tests/engine",
    "tests/graph",
    "tests/kinds",
    "tests/semantics",
    "tests/test_messages.py",
    "tests/test_outputs.py",
    "tests/test_values.py",
)


@pytest.mark.timeout(900)  # a build takes a minute or two
@pytest.mark.skipif(IS_TREE, reason="this is the compiled tree")
def test_compiled_core_passes_the_tests_of_the_sources() -> None:
    built = run("-m", "scripts.compiled", folder=ROOT)
    if "cannot be compiled here" in built.stderr:
        pytest.skip(built.stderr.strip())
    assert built.returncode == 0, built.stderr
    mine = f"{Path(__file__).relative_to(ROOT)}::{test_every_module_of_the_tree_is_compiled.__name__}"
    tested = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2", mine, *BOTH, folder=TREE)
    assert tested.returncode == 0, tested.stdout[-8000:]
    assert Path(__file__).name not in tested.stdout, "the first of them was skipped"


@pytest.mark.skipif(not IS_TREE, reason="the test above runs it in the compiled tree")
def test_every_module_of_the_tree_is_compiled() -> None:
    found = {path: importlib.import_module(path.removesuffix(".py").replace("/", ".")).__file__ for path in COMPILED}
    assert [file for path, file in found.items() if file is None or Path(file).parent != (ROOT / path).parent] == []
    assert [file for file in found.values() if file is None or Path(file).suffix == ".py"] == []


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)


def test_wheel_is_pure_unless_it_is_asked_for(tmp_path: Path) -> None:
    build = f"import hatchling.build as b; print(b.build_wheel({str(tmp_path)!r}))"
    name = run("-c", build, folder=ROOT).stdout.strip()
    assert name.endswith("-py3-none-any.whl")
    assert {Path(inside).suffix for inside in zipfile.ZipFile(tmp_path / name).namelist()}.isdisjoint(
        {".so", ".pyd", ".c"}
    )


# --- what may stand in a compiled module ----------------------------------------------------------------------------


def test_lists_name_what_is_there() -> None:
    globs = [*HOOK["custom"]["compiled"], *HOOK["custom"]["interpreted"]]
    assert [glob for glob in globs if not list(ROOT.glob(glob))] == []
    assert "fusion_graph/engine/attempts.py" in COMPILED
    assert "fusion_graph/engine/fusion.py" not in COMPILED


@pytest.mark.parametrize("path", COMPILED)
def test_nothing_waits(path: str) -> None:
    """mypyc 2.4.1 raises again, behind an `await` in a `finally`, what was being handled when the coroutine was entered
    (at a cancellation, the cancellation), and leaves an exception that was handled in `sys.exc_info`."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    waiting = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]
    assert waiting == []


@pytest.mark.parametrize("path", COMPILED)
def test_nothing_needs_a_dictionary_of_its_object(path: str) -> None:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    names = {getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(tree)}
    assert names.isdisjoint({"Lazy", "cached_property", "__dict__", "vars"})
