"""The house rules of docs/contributing.md, read from the source: who imports whom, what lives where, how long it is."""

from __future__ import annotations

import ast
import graphlib
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "fusion_graph"
TREES = {path.relative_to(ROOT): ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}

LAYERS = (
    # root words; settings joins them below
    (
        "errors",
        "messages",
        "outputs",
        "pipeline",
        "events",
        "contracts",
        "toolbox",
        "tables",
        "jsontext",
        "lazy",
        "facts",
        "figures",
        "listening",
        "values",
    ),
    ("graph",),
    ("engine", "kinds", "providers", "tools", "store"),
    ("server", "agent", "chat", "evals"),
    ("wiring",),
    ("tapes", "testing"),
    ("commands", "api"),
    ("__main__",),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
ROOT_WORDS = {*LAYERS[0], "settings", "configuration"}
MAY_READ_SETTINGS = {"settings", "wiring", "tapes", "commands", "api"}
HOMES = {
    "aiohttp": {"providers", "server", "tools"},
    "click": {"commands", "chat"},
    "graphviz": {"graph"},
    "httpx2": {"tools"},
    "json_repair": {"graph"},
    "jsonschema": {"graph"},
    "mcp": {"server", "tools"},
    "mcp_types": {"server", "tools"},
    "networkx": {"graph"},
    "opentelemetry": {"server"},
    "orjson": {"jsontext"},
    "prompt_toolkit": {"agent", "chat"},
    "redis": {"server"},
    "rich": {"agent", "commands", "chat"},
    "ruamel": {"graph"},
    "trafilatura": {"tools"},
    "uvicorn": {"server"},
    "uvloop": {"commands"},
    "xllamacpp": {"providers"},
}
UNTESTED = {
    "fusion_graph/contracts/entries.py": "types only",
    "fusion_graph/contracts/kinds.py": "types only",
    "fusion_graph/contracts/memory.py": "types only",
    "fusion_graph/contracts/providers.py": "types only",
    "fusion_graph/contracts/tools.py": "types only",
    "fusion_graph/toolbox.py": "types only",
    "fusion_graph/events.py": "types only",
    "fusion_graph/__init__.py": "the version",
    "fusion_graph/__main__.py": "one call; the smoke run starts it",
}
MAX_LINES, MAX_FUNCTION = 300, 50


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module imported anywhere in it, also under TYPE_CHECKING and inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import of {node.module}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


IMPORTS = {path: set(imports(tree)) for path, tree in TREES.items()}


def word(path: Path) -> str:
    """The folder or root module a file belongs to: `graph`, `errors`."""
    return path.with_suffix("").parts[1]


def ours(path: Path) -> set[str]:
    """The words of this package that it imports, its own apart."""
    names = {name.split(".")[1] for name in IMPORTS[path] if name.startswith("fusion_graph.")}
    return names - {word(path), "__version__"}


def theirs(path: Path) -> set[str]:
    """The packages of others that it imports."""
    return {name.split(".")[0] for name in IMPORTS[path]}


# --- who imports whom -----------------------------------------------------------------------------------------------


def is_allowed(me: str, other: str) -> bool:
    if other in ("settings", "configuration"):
        return me in MAY_READ_SETTINGS
    if me in ROOT_WORDS:
        return other in ROOT_WORDS
    return other in ROOT_WORDS or LEVEL[other] < LEVEL[me]


def test_imports_point_one_way() -> None:
    wrong = [f"{path} imports {other}" for path in TREES for other in ours(path) if not is_allowed(word(path), other)]
    assert wrong == []


def test_third_party_packages_stay_home() -> None:
    homes = [(path, name) for path in TREES for name in theirs(path) & HOMES.keys()]
    assert [f"{path} imports {name}" for path, name in homes if word(path) not in HOMES[name]] == []
    assert sum("json_repair" in theirs(path) for path in TREES) <= 1


def test_modules_import_in_no_cycle() -> None:
    """Counted are imports that run when a module is imported: those of its top level."""
    names = {".".join(path.with_suffix("").parts).removesuffix(".__init__"): tree for path, tree in TREES.items()}
    graph = {}
    for name, tree in names.items():
        top = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
        wanted = {whole if whole in names else whole.rpartition(".")[0] for whole in imports(top)}
        graph[name] = (wanted & names.keys()) - {name}
    graphlib.TopologicalSorter(graph).prepare()  # CycleError carries the cycle


def test_only_settings_reads_the_environment() -> None:
    banned = {"environ", "environb", "getenv", "putenv"}
    for path, tree in TREES.items():
        touched = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        touched |= {name.removeprefix("os.") for name in IMPORTS[path]}
        assert word(path) == "settings" or not touched & banned, path


def test_graph_and_kinds_know_no_time_and_no_tasks() -> None:
    banned = {"asyncio", "time", "socket", "threading"}
    assert [str(path) for path in TREES if word(path) in ("graph", "kinds") and theirs(path) & banned] == []


def test_engine_names_no_kind_and_no_provider() -> None:
    names = {"proposer", "judge", "synth", "refine", "fallback", "openai", "sim"}
    for path, tree in TREES.items():
        texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert word(path) != "engine" or not texts & names, path


# --- table folders --------------------------------------------------------------------------------------------------


def entries(folder: str) -> set[str]:
    """The public modules of a folder."""
    return {path.stem for path in (PACKAGE / folder).glob("*.py") if not path.stem.startswith("_")}


@pytest.mark.parametrize("folder", [name for name in ("kinds", "providers", "tools") if entries(name)])
def test_table_and_folder_agree(folder: str) -> None:
    table = getattr(importlib.import_module(f"fusion_graph.{folder}"), folder.upper())
    constant = folder.upper().removesuffix("S")
    modules = {name: importlib.import_module(f"fusion_graph.{folder}.{name}") for name in entries(folder)}
    assert {name: getattr(module, constant) for name, module in modules.items()} == dict(table)
    assert all(name == entry.name for name, entry in table.items())


def test_command_table_and_folder_agree() -> None:
    commands = importlib.import_module("fusion_graph.commands").COMMANDS
    assert {command.module.rpartition(".")[2] for command in commands.values()} == entries("commands")
    for name, command in commands.items():
        assert command.name == name
        assert importlib.import_module(command.module).COMMAND.name == name


# --- mirror, sizes, names -------------------------------------------------------------------------------------------


def is_tested(path: Path) -> bool:
    """By the test of its name. A private helper also where its owner is: in a test beside it that names it. What is in
    a private room is named with its room, and so in any test of the folder around."""
    folder = ROOT.joinpath("tests", *path.parts[1:-1])
    if (folder / f"test_{path.stem.lstrip('_')}.py").is_file():
        return True
    *_, pack, name = path.with_suffix("").parts
    if pack.startswith("_"):
        return any(f"{pack}.{name}" in dotted(test) for test in folder.parent.rglob("test_*.py"))
    return name.startswith("_") and any(name in mentions(test) for test in folder.glob("test_*.py"))


@cache
def dotted(test: Path) -> str:
    return test.read_text("utf-8").replace("/", ".")


@cache
def mentions(test: Path) -> set[str]:
    return set(re.findall(r"\b_[a-z_]+\b", test.read_text("utf-8")))


def test_every_module_has_its_mirrored_test() -> None:
    modules = [path for path in TREES if path.stem != "__init__" and str(path) not in UNTESTED]
    assert [str(path) for path in modules if not is_tested(path)] == []


def functions() -> Iterator[tuple[str, int]]:
    """Every function and its lines without the docstring."""
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                doc = ast.get_docstring(node, clean=False)
                lines = (node.end_lineno or 0) - node.lineno + 1 - (len(doc.splitlines()) if doc else 0)
                yield f"{path}: {node.name} has {lines} lines", lines


def test_files_and_functions_are_short() -> None:
    lengths = {path: len((ROOT / path).read_text("utf-8").splitlines()) for path in TREES}
    assert [f"{path} has {lines} lines" for path, lines in lengths.items() if lines > MAX_LINES] == []
    assert [told for told, lines in functions() if lines > MAX_FUNCTION] == []


def test_every_file_says_what_it_is() -> None:
    assert [str(path) for path, tree in TREES.items() if not ast.get_docstring(tree)] == []


def test_no_module_is_called_helper() -> None:
    banned = {"utils", "helpers", "common", "base", "manager", "handler"}
    assert [str(path) for path in TREES if path.stem.strip("_") in banned] == []
