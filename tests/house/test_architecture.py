"""The house rules of docs/contributing.md, read from the source: who imports whom, what lives where, how long it is."""

from __future__ import annotations

import ast
import graphlib
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "fusion_graph"
TREES = {path.relative_to(ROOT): ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}

LAYERS = (
    ("errors", "messages", "outputs", "pipeline", "events", "contracts"),  # root words; settings joins them below
    ("graph",),
    ("engine", "kinds", "providers", "tools", "store"),
    ("server", "agent", "chat", "evals"),
    ("wiring",),
    ("commands", "api"),
    ("__main__",),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
ROOT_WORDS = {*LAYERS[0], "settings"}
MAY_READ_SETTINGS = {"settings", "wiring", "commands", "api"}
HOMES = {
    "aiohttp": {"providers", "server", "tools"},
    "click": {"commands", "chat"},
    "graphviz": {"graph"},
    "json_repair": {"graph", "kinds"},
    "jsonschema": {"graph"},
    "networkx": {"graph"},
    "rich": {"commands", "chat"},
    "ruamel": {"graph"},
    "xllamacpp": {"providers"},
}
UNTESTED = {
    "fusion_graph/contracts.py": "types only",
    "fusion_graph/events.py": "types only",
    "fusion_graph/__init__.py": "the version",
    "fusion_graph/__main__.py": "one call; the smoke run starts it",
}
TESTED = re.compile(r"\b_[a-z_]+\b")
MAX_LINES, MAX_FUNCTION = 300, 50


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module imported anywhere in it, also under TYPE_CHECKING and inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import of {node.module}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def word(path: Path) -> str:
    """The folder or root module a file belongs to: `graph`, `errors`."""
    return path.with_suffix("").parts[1]


def ours(tree: ast.AST) -> Iterator[str]:
    """The words of this package that it imports."""
    for name in imports(tree):
        first, _, rest = name.partition(".")
        if first == "fusion_graph" and rest and not rest.startswith("__version__"):
            yield rest.split(".")[0]


@pytest.mark.parametrize("path", TREES, ids=str)
def test_imports_point_one_way(path: Path) -> None:
    me = word(path)
    for other in set(ours(TREES[path])) - {me}:
        if other == "settings":
            assert me in MAY_READ_SETTINGS, f"{path} reads settings"
        elif me in ROOT_WORDS:
            assert other in ROOT_WORDS, f"{path} imports {other}"
        elif me != "__init__":
            assert LEVEL[other] < LEVEL[me], f"{path} imports {other}"


@pytest.mark.parametrize("path", TREES, ids=str)
def test_third_party_packages_stay_home(path: Path) -> None:
    for name in {name.split(".")[0] for name in imports(TREES[path])}:
        if name in HOMES:
            assert word(path) in HOMES[name], f"{path} imports {name}"


def test_json_repair_lives_in_one_file() -> None:
    assert sum("json_repair" in {n.split(".")[0] for n in imports(tree)} for tree in TREES.values()) <= 1


def module_imports(tree: ast.Module) -> Iterator[str]:
    """Imports that run when the module is imported: its top level only."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports(ast.Module([node], []))


def test_modules_import_in_no_cycle() -> None:
    names = {".".join(path.with_suffix("").parts).removesuffix(".__init__"): tree for path, tree in TREES.items()}
    graph = {}
    for name, tree in names.items():
        wanted = {whole if whole in names else whole.rpartition(".")[0] for whole in module_imports(tree)}
        graph[name] = (wanted & names.keys()) - {name}
    graphlib.TopologicalSorter(graph).prepare()  # CycleError carries the cycle


@pytest.mark.parametrize("path", TREES, ids=str)
def test_only_settings_reads_the_environment(path: Path) -> None:
    touched = {node.attr for node in ast.walk(TREES[path]) if isinstance(node, ast.Attribute)}
    touched |= {name.rpartition(".")[2] for name in imports(TREES[path]) if name.startswith("os.")}
    if word(path) != "settings":
        assert not touched & {"environ", "environb", "getenv", "putenv"}


@pytest.mark.parametrize("path", [p for p in TREES if word(p) in ("graph", "kinds")], ids=str)
def test_graph_and_kinds_know_no_asyncio(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports(TREES[path])} & {"asyncio", "time", "socket", "threading"}


# --- table folders ----------------------------------------------------------------------------------------------------


def entries(folder: str) -> set[str]:
    """The public modules of a folder."""
    return {path.stem for path in (PACKAGE / folder).glob("*.py") if not path.stem.startswith("_")}


@pytest.mark.parametrize("folder", ["kinds", "providers", "tools"])
def test_table_and_folder_agree(folder: str) -> None:
    if not entries(folder):
        pytest.skip("nothing in it yet")
    package = importlib.import_module(f"fusion_graph.{folder}")
    table = getattr(package, folder.upper())
    constant = folder.upper().removesuffix("S")
    modules = {name: importlib.import_module(f"fusion_graph.{folder}.{name}") for name in entries(folder)}
    assert {name.replace("_", "-"): getattr(module, constant) for name, module in modules.items()} == {
        name.replace("_", "-"): entry for name, entry in table.items()
    }
    assert all(name == entry.name for name, entry in table.items())


def test_command_table_and_folder_agree() -> None:
    commands = importlib.import_module("fusion_graph.commands").COMMANDS
    assert {command.module.rpartition(".")[2] for command in commands.values()} == entries("commands")
    for name, command in commands.items():
        assert command.name == name
        assert importlib.import_module(command.module).COMMAND.name == name


# --- mirror and sizes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [p for p in TREES if p.stem != "__init__" and str(p) not in UNTESTED], ids=str)
def test_module_has_its_mirrored_test(path: Path) -> None:
    """A private helper may also be tested where its owner is: in a test of the same folder that imports it."""
    folder = ROOT.joinpath("tests", *path.parts[1:-1])
    mirrored = (folder / f"test_{path.stem.lstrip('_')}.py").is_file()
    if not mirrored and path.stem.startswith("_"):
        mirrored = any(path.stem in set(TESTED.findall(test.read_text("utf-8"))) for test in folder.glob("test_*.py"))
    assert mirrored


@pytest.mark.parametrize("path", TREES, ids=str)
def test_file_and_functions_are_short(path: Path) -> None:
    assert len((ROOT / path).read_text("utf-8").splitlines()) <= MAX_LINES
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = ast.get_docstring(node, clean=False)
            length = (node.end_lineno or 0) - node.lineno + 1 - (len(doc.splitlines()) if doc else 0)
            assert length <= MAX_FUNCTION, f"{path}: {node.name} has {length} lines"


@pytest.mark.parametrize("path", TREES, ids=str)
def test_file_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(TREES[path]), f"{path} has no docstring"


def test_kind_and_provider_names_stay_out_of_the_engine() -> None:
    names = {"proposer", "judge", "synth", "refine", "fallback", "openai", "sim"}
    for path, tree in TREES.items():
        if word(path) == "engine":
            texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
            assert not texts & names, f"{path} names {texts & names}"


def test_no_module_is_called_helper() -> None:
    banned = {"utils", "helpers", "common", "base", "manager", "handler"}
    found = {module.name for module in pkgutil.walk_packages([str(PACKAGE)])}
    assert not {name for name in found if name.strip("_") in banned}
