"""Write the generated pages of docs/: cli.md, kinds.md, codes.md, presets.md. A test fails when they are stale."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from fusion_graph.commands import COMMANDS
from fusion_graph.commands._program import EXIT_CODES, PROGRAM
from fusion_graph.contracts import Kind
from fusion_graph.graph.codes import CODES
from fusion_graph.graph.fragments import CALL, COMMON, LIMITS, PARAM, PRESENT, RETRY, TIMEOUT, USABLE
from fusion_graph.graph.reader import load
from fusion_graph.graph.schema import GRAPH_TOP, PANEL_TOP, takes_calls
from fusion_graph.kinds import KINDS
from fusion_graph.wiring import pipelines

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MADE = "<!-- Made by `make docs` from {source}. Do not edit. -->\n"
WIDTH = 100


def main() -> None:
    """Write every page."""
    for name, text in pages().items():
        (DOCS / name).write_text(text, "utf-8")
        print(f"docs/{name}: {len(text.splitlines())} lines")


def pages() -> dict[str, str]:
    """Name and text of every generated page."""
    made = {"cli.md": cli(), "kinds.md": kinds(), "codes.md": codes(), "presets.md": presets()}
    return {name: "\n".join(lines).rstrip() + "\n" for name, lines in made.items()}


# --- commands -------------------------------------------------------------------------------------------------------


def cli() -> Iterator[str]:
    """Each command's own `--help`."""
    yield MADE.format(source="the commands' own --help")
    yield "# Commands\n"
    yield "| command | what it does |\n|---|---|"
    yield from (f"| [`{name}`](#{name}) | {command.summary} |" for name, command in COMMANDS.items())
    yield EXIT_CODES.rstrip()
    program = click.Context(PROGRAM, info_name="fusiongraph", **PROGRAM.context_settings)
    for name, command in COMMANDS.items():
        yield f"\n## {name}\n\n```text"
        found = import_module(command.module).COMMAND
        yield found.get_help(click.Context(found, parent=program, info_name=name, terminal_width=WIDTH)).rstrip()
        yield "```"


# --- the format -----------------------------------------------------------------------------------------------------


def kinds() -> Iterator[str]:
    """Every kind with its options, then the options they share."""
    yield MADE.format(source="the table of kinds")
    yield "# Node kinds and options\n"
    yield "| kind | in one line |\n|---|---|"
    yield from (f"| [`{name}`](#{name}) | {kind.summary} |" for name, kind in KINDS.items())
    for name, kind in KINDS.items():
        yield from one_kind(name, kind)
    shared = {
        "Options of every node": (COMMON, ()),
        "Options of every node that calls a model": (CALL, ()),
        "`present`: how drafts are shown": (PRESENT["properties"], ()),
        "`timeout`": (TIMEOUT["properties"], ()),
        "`retry`": (RETRY["properties"], ()),
        "`usable`": (USABLE["properties"], ()),
        "Top of a graph": (GRAPH_TOP["properties"], GRAPH_TOP["required"]),
        "`limits`": (LIMITS["properties"], ()),
        "`params`: one parameter": (PARAM["properties"], PARAM["required"]),
        "The panel form": (PANEL_TOP["properties"], PANEL_TOP["required"]),
    }
    for title, (properties, required) in shared.items():
        yield f"\n## {title}\n"
        yield from options(properties, required)


def one_kind(name: str, kind: Kind) -> Iterator[str]:
    """What it takes and gives, and its own options."""
    modes: list[str] = kind.schema.get("mode", {}).get("enum", [])
    gives = ", ".join(dict.fromkeys(kind.gives({"mode": mode}) for mode in modes)) or kind.gives({})
    yield f"\n## {name}\n\n{kind.summary}\n"
    yield f"- takes: {', '.join(sorted(kind.takes)) or 'the conversation only'}"
    yield f"- gives: {gives}"
    if kind.needs_draft:
        yield "- needs a draft: without one it fails with `no_input`"
    if takes_calls(kind):
        yield "- calls a model: see [the options of such nodes](#options-of-every-node-that-calls-a-model)"
    if kind.schema:
        yield ""
        yield from options(kind.schema, kind.required)


def options(properties: Mapping[str, Any], required: tuple[str, ...] | list[str]) -> Iterator[str]:
    """A table of options."""
    yield "| option | values | meaning |\n|---|---|---|"
    for name, schema in properties.items():
        must = " **(required)**" if name in required else ""
        yield f"| `{name}` | {values(schema)} | {schema.get('description', '').replace('|', chr(92) + '|')}{must} |"


WORDS = {
    "array": "list",
    "boolean": "`true` or `false`",
    "integer": "whole number",
    "null": "`null`",
    "object": "map",
    "string": "text",
}


def values(schema: Mapping[str, Any]) -> str:
    """Which values it takes, in words."""
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    types = schema.get("type", [])
    found = [one_type(name, schema) for name in ([types] if isinstance(types, str) else types)]
    return " or ".join(found) or "any"


def one_type(name: str, schema: Mapping[str, Any]) -> str:
    """One of a schema's types, with what bounds it."""
    word = WORDS.get(name, name)
    if name in ("integer", "number"):
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        above = "above " if "exclusiveMinimum" in schema else ""
        most = f" to {schema['maximum']}" if "maximum" in schema else " or more" * (not above)
        return word if low is None else f"{word} ({above}{low}{most})"
    if name == "string" and (literal := re.fullmatch(r"\^([a-z_]+)\$", schema.get("pattern", ""))):
        return f"`{literal[1]}`"
    return word


def codes() -> Iterator[str]:
    """The table of diagnostics."""
    yield MADE.format(source="graph/codes.py")
    yield "# Codes of `fusiongraph check`\n"
    yield "FG1xx YAML and schema, FG2xx references, FG3xx graph, FG4xx types and streaming, FG5xx limits,"
    yield "FG6xx task files."
    yield "A code is never given a new meaning.\n"
    yield "| code | meaning |\n|---|---|"
    yield from (f"| {code} | {text} |" for code, text in CODES.items())


# --- presets --------------------------------------------------------------------------------------------------------


def presets() -> Iterator[str]:
    """Every file of pipelines/ with its own comment and its picture."""
    yield MADE.format(source="pipelines/")
    yield "# Presets\n"
    yield 'Run one by its name: `fusiongraph run NAME "..."`. `fusiongraph plan NAME` tells before anything is spent'
    yield "how many calls it makes and what they cost at worst.\n"
    files = list(pipelines.presets().values())
    found = {file: load(file.read_bytes(), file=file.name, kinds=KINDS) for file in files}
    yield "| preset | what it is |\n|---|---|"
    yield from (f"| [`{pipeline.name}`](#{pipeline.name}) | {pipeline.description} |" for pipeline in found.values())
    for file, pipeline in found.items():
        yield f"\n## {pipeline.name}\n\n{comment(file)}\n"
        yield f"![{pipeline.name}](diagrams/{pipeline.name}.svg)\n"
        yield f"[pipelines/{file.name}](../pipelines/{file.name})"


def comment(file: Path) -> str:
    """The text at its head, without the editor's line."""
    lines = file.read_text("utf-8").splitlines()
    head = lines[: next(i for i, line in enumerate(lines) if not line.startswith("#"))]
    return "\n".join(line.lstrip("# ") for line in head if "yaml-language-server" not in line).strip()


if __name__ == "__main__":
    main()
