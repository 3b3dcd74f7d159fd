"""Each rule of the wire contract's section 5 has a test that names it; those about the code and its packages are
here."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES = range(1, 33)
NAMED = re.compile(r"(?:# security|wire 5\.)\s*((?:\d+(?:, | and )?)+)")
SOURCES = sorted((ROOT / "fusion_graph").rglob("*.py"))
LOCKED = sorted((ROOT / "requirements").glob("*.txt"))
RUNS = frozenset({"eval", "exec", "compile", "__import__", "breakpoint"})
UNPACKS = frozenset({"pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle", "code", "codeop"})
SHELLS = frozenset({"os.system", "os.popen", "asyncio.create_subprocess_shell", "subprocess.getoutput"})
PINNED = re.compile(r"[\w.\[\],-]+==\S+(?: ;[^-]*)?(?:\s+--hash=sha256:[0-9a-f]{64})+\s*")
OWN_TABLES = frozenset({"fusion_graph/tables.py", "fusion_graph/commands/_program.py"})
"""Import by name, of names that stand in tables of ours."""


def test_every_rule_is_tested_by_name() -> None:
    found: set[int] = set()
    for path in (ROOT / "tests").rglob("*.py"):
        for numbers in NAMED.findall(path.read_text("utf-8")):
            found |= {int(number) for number in re.findall(r"\d+", numbers)}
    assert sorted(set(RULES) - found) == []


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _doors(tree: ast.AST) -> Iterator[str]:
    """Everything that would run what somebody wrote."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _dotted(node.func)
            if name in RUNS | SHELLS or name.endswith("import_module"):
                yield name
            if any(k.arg == "shell" and not (isinstance(k.value, ast.Constant) and not k.value.value)
                   for k in node.keywords):  # fmt: skip
                yield "shell="
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in UNPACKS)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in UNPACKS:
            yield str(node.module)


@pytest.mark.parametrize(
    "text", ["eval(x)", "import pickle", "os.system(x)", "f(shell=True)", "importlib.import_module(x)", "exec('1')"]
)
def test_a_door_is_seen(text: str) -> None:
    assert [*_doors(ast.parse(text))]


def test_nothing_that_was_written_elsewhere_is_run() -> None:
    # security 24: no eval, exec, pickle, import by name or shell
    doors = {path.relative_to(ROOT).as_posix(): [*_doors(ast.parse(path.read_text("utf-8")))] for path in SOURCES}
    found = {path: names for path, names in doors.items() if names}
    assert found.keys() <= OWN_TABLES
    assert all(set(names) == {"import_module"} for names in found.values())


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.stem)
def test_every_package_is_pinned_by_its_hash(path: Path) -> None:
    # security 32
    text = path.read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert lines
    assert [line for line in lines if not PINNED.fullmatch(line)] == []


def test_few_packages_and_none_that_was_poisoned() -> None:
    # security 32: no litellm, and no step of the build that fetches code
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["build-system"]["requires"] == ["hatchling>=1.27"]
    hooks = project["tool"]["hatch"]["build"]["targets"]["wheel"].pop("hooks")
    assert "hooks" not in str(project["tool"]["hatch"])
    assert [*hooks] == ["custom"], "our own, which compiles what lies here, if it is asked to, with what is installed"
    assert hooks["custom"]["path"] == "scripts/compile_hook.py"
    assert hooks["custom"]["enable-by-default"] is False
    assert "dependencies" not in hooks["custom"]
    assert len(project["project"]["dependencies"]) <= 12
    locked = "\n".join(path.read_text("utf-8").lower() for path in LOCKED)
    assert "litellm" not in locked
