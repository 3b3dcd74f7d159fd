"""The documentation: everything that has a name is in it, what is generated is fresh, and its examples are real."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from fusion_graph import configuration, settings
from fusion_graph.chat.commands import SLASHES
from fusion_graph.commands import COMMANDS
from fusion_graph.graph.codes import CODES
from fusion_graph.graph.drawing.image import PROGRAM, programs
from fusion_graph.graph.reader import read
from fusion_graph.kinds import KINDS
from fusion_graph.tools import TOOLS
from fusion_graph.wiring import pipelines
from scripts.build_diagrams import diagram
from scripts.build_docs import pages
from scripts.build_schemas import files

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text("utf-8")
PAGES = {path.relative_to(ROOT): path.read_text("utf-8") for path in (*ROOT.glob("*.md"), *DOCS.rglob("*.md"))}
PRESETS = list(pipelines.presets().values())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


# --- everything named is documented ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_command_is_documented(name: str) -> None:
    assert f"\n## {name}\n" in page("cli.md")
    assert name in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("name", KINDS)
def test_kind_is_documented(name: str) -> None:
    assert f"\n## {name}\n" in page("kinds.md")
    assert name in page("pipelines.md")
    assert name in page("glossary.md")


@pytest.mark.parametrize("name", TOOLS)
def test_tool_is_documented(name: str) -> None:
    row = next(line for line in page("tools.md").splitlines() if line.startswith(f"| `{name}` |"))
    assert [cell.strip() == "yes" for cell in row.split("|")[3:5]] == [TOOLS[name].local, TOOLS[name].mutates]


@pytest.mark.parametrize("name", SLASHES)
def test_slash_command_is_documented(name: str) -> None:
    assert f"`/{name}" in page("chat.md")


@pytest.mark.parametrize("file", PRESETS, ids=[file.stem for file in PRESETS])
def test_preset_is_documented(file: Path) -> None:
    assert f"[{file.stem}](pipelines/{file.name})" in README
    assert f"\n## {file.stem}\n" in page("presets.md")


@pytest.mark.parametrize("code", CODES)
def test_code_is_documented(code: str) -> None:
    assert f"| {code} |" in page("codes.md")


def test_every_setting_is_documented() -> None:
    text = page("settings.md")
    source = Path(settings.__file__).read_text("utf-8")
    variables = set(re.findall(r'"((?:FUSION|OPENROUTER|OPENAI|NO|TAVILY|BRAVE|SEARXNG)_[A-Z_]+)"', source))
    assert variables >= {"FUSION_BASE_URL", *settings.KEYS}
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert [name for name in variables if not any(f"`{name}`" in row.split("|")[1] for row in rows)] == []
    assert [
        name for name in (*configuration.TOP, *configuration.BACKEND, *configuration.TOOLS) if f"`{name}" not in text
    ] == []
    example = (ROOT / ".env.example").read_text("utf-8")
    assert [name for name in settings.KEYS if name not in example] == []


def test_every_dependency_has_its_reason() -> None:
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["local"]]
    names = [re.split(r"[<>=]", entry)[0] for entry in wanted]
    assert [name for name in names if f"\n| {name} " not in page("design.md")] == []


# --- generated pages are fresh --------------------------------------------------------------------------------------


def test_generated_pages_are_fresh() -> None:
    stale = [name for name, text in pages().items() if not (DOCS / name).is_file() or page(name) != text]
    assert stale == [], "run: make docs"


def test_schemas_are_fresh() -> None:
    folder = ROOT / "schemas"
    written = {path.name: path.read_text("utf-8") for path in folder.glob("*.json")}
    assert written == files(), "run: make schemas"


@pytest.mark.parametrize("file", PRESETS, ids=[file.stem for file in PRESETS])
def test_diagram_is_fresh(file: Path) -> None:
    assert Path(next(programs(), "")).stem == PROGRAM
    assert (DOCS / "diagrams" / f"{file.stem}.svg").read_bytes() == diagram(file), "run: make diagrams"


# --- what is shown is real ------------------------------------------------------------------------------------------

EXAMPLES = [
    pytest.param(block, id=f"{path}-{number}")
    for path, text in PAGES.items()
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))
    if re.search(r"^(output|panel):", block, re.MULTILINE)
]


@pytest.mark.parametrize("block", EXAMPLES)
def test_example_reads_without_an_error(block: str) -> None:
    reading = read(block.encode(), file="example", kinds=KINDS)
    assert [str(finding) for finding in reading.diagnostics if finding.severity == "error"] == []


def test_toml_example_is_valid(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", page("settings.md"), re.DOTALL)
    (tmp_path / "fusiongraph.toml").write_text(example)
    found = settings.load({"GROQ_API_KEY": "made-up"}, tmp_path)
    assert found.default_backend == "ollama"
    assert not found.missing_keys


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", PAGES[path]):
        assert (ROOT / path.parent / target).exists(), f"{path}: {target}"


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_commands_shown_exist(path: Path) -> None:
    shown = set(re.findall(r"(?:^|`)fusiongraph ([a-z]+)", PAGES[path], re.MULTILINE))
    assert shown <= set(COMMANDS)
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", PAGES[path], re.MULTILINE)) <= targets


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_page_has_no_em_dash(path: Path) -> None:
    assert "\N{EM DASH}" not in PAGES[path]


def test_readme_begins_with_the_two_commands() -> None:
    demo, test = README.index("make demo"), README.index("make test")
    assert demo < test < README.index("## The shortest real example")


def test_requirements_hold_no_address() -> None:
    files = sorted((ROOT / "requirements").glob("*.txt"))
    assert {file.stem for file in files} == {"build", "dev", "local", "mcp", "redis", "run", "weights"}
    assert [file.name for file in files if re.search(r"://|^--|@ ", file.read_text("utf-8"), re.MULTILINE)] == []
