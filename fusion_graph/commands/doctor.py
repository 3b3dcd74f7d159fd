"""`fusiongraph doctor`: what is in use and why, and whether it works. It asks for lists of models only: nothing is
paid."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fusion_graph.contracts import Backend
    from fusion_graph.providers._reach import Reach
    from fusion_graph.settings import Settings
    from fusion_graph.wiring.backends import Selection

PACKAGES = ("aiohttp", "click", "graphviz", "jsonschema", "networkx", "rich", "ruamel.yaml", "xllamacpp")


@click.command("doctor", short_help="what is in use and why: backend, keys, local servers, versions")
@click.option("--mcp", is_flag=True, help="Start or reach the MCP servers of fusiongraph.toml.")
def COMMAND(mcp: bool) -> int:
    """Print which backend is in use and why, which keys are set (never a key itself), whether the backends answer,
    local servers and the embedded model, and versions.

    MCP servers are only named unless --mcp is given: a fusiongraph.toml that was downloaded may name any program.

    Exits with 1 if the backend in use does not answer, or an MCP server that was asked.
    """
    from fusion_graph import settings
    from fusion_graph.commands import _console, _interrupt
    from fusion_graph.commands._columns import columns

    rows, works = _interrupt.run(_examine(settings.load(), mcp=mcp))
    _console.out(columns(rows, width=_console.width()))
    return 0 if works else 1


async def _examine(setup: Settings, *, mcp: bool) -> tuple[list[tuple[str, str]], bool]:
    from fusion_graph.providers._detect import find_local_servers, list_models
    from fusion_graph.wiring import backends

    selection = await backends.select(setup)
    backend = selection.backends[selection.default]
    named = [b for name, b in selection.backends.items() if b.base_url]
    async with asyncio.TaskGroup() as group:
        asked = {b.name: group.create_task(_reach(b)) for b in named}
        found = group.create_task(find_local_servers())
    reached = {name: task.result() for name, task in asked.items()}
    servers = [(server, await list_models(server)) for server in found.result()]
    rows = [("in use", f"{selection.default}: {selection.why}"), *_keys(setup, selection)]
    rows += [("backend", f"{b.name}, {b.base_url}: {reached[b.name].told}") for b in named]
    rows += [("local server", f"{s.name}, {s.base_url}: {', '.join(models) or 'no models'}") for s, models in servers]
    rows += [] if servers else [("local server", "none found (Ollama, LM Studio, llama-server, vLLM)")]
    strange = await _mcp_servers(setup, ask=mcp)
    rows += [("MCP server", told) for told, _ in strange]
    rows += [*_machine(setup)]
    return rows, _works(backend, reached, selection) and all(works for _, works in strange)


async def _mcp_servers(setup: Settings, *, ask: bool) -> list[tuple[str, bool]]:
    """Each with what it is, and whether it works as far as is known."""
    named = [(server, server.url or " ".join(server.command)) for server in setup.mcp.values()]
    if not ask:
        lacking = {s.name: f", {', '.join(s.unset)} not set" if s.unset else "" for s, _ in named}
        return [(f"{s.name}, {what}: not asked{lacking[s.name]}; doctor --mcp asks it", True) for s, what in named]
    from fusion_graph.tools._mcp.tools import offers

    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(offers(server)) for server, _ in named]
    return [
        (f"{server.name}, {what}: {task.result().told}", task.result().works)
        for (server, what), task in zip(named, asked, strict=True)
    ]


async def _reach(backend: Backend) -> Reach:
    from fusion_graph.providers._reach import reach

    return await reach(backend)


def _works(backend: Backend, reached: dict[str, Reach], selection: Selection) -> bool:
    from fusion_graph.providers import local

    if backend.name in selection.missing_keys:
        return False
    if backend.provider == "local":
        return not local.available()
    return backend.name not in reached or reached[backend.name].works


def _keys(setup: Settings, selection: Selection) -> list[tuple[str, str]]:
    rows = [("key", f"{name}: {'set' if there else 'not set'}") for name, there in setup.keys.items()]
    rows += [("key", f"backend {name} needs one: {variable}") for name, variable in selection.missing_keys.items()]
    return rows


def _machine(setup: Settings) -> list[tuple[str, str]]:
    """What is installed here."""
    import platform
    import sys

    from fusion_graph import __version__
    from fusion_graph.graph.drawing.image import programs
    from fusion_graph.providers import local
    from fusion_graph.wiring import engines, pipelines

    presets = pipelines.presets()
    return [
        ("embedded model", local.available() or "can be started"),
        ("settings", str(setup.file) if setup.file else "no fusiongraph.toml"),
        ("home", str(setup.home)),
        ("presets", f"{len(presets)} in {next(iter(presets.values())).parent}" if presets else "none found"),
        ("prices", f"of {engines.prices().date}"),
        ("drawing", next(programs(), "no layout program: plain SVG only")),
        ("sandbox", _sandbox()),
        ("web search", _search(setup)),
        (
            "versions",
            f"fusion_graph {__version__}, Python {platform.python_version()}, {sys.platform} {platform.machine()}",
        ),
        *(("", ", ".join(told)) for told in _lines(_versions())),
    ]


def _sandbox() -> str:
    """The level that bash would have, and what keeps a better one away."""
    from fusion_graph.tools._sandbox.levels import find_sandbox, lacks

    found = find_sandbox()
    if found is None:
        return f"none, so bash is refused: {lacks()}"
    return found.told + (f"; {found.why}" if found.why else "")


def _search(setup: Settings) -> str:
    from fusion_graph.errors import UsageError
    from fusion_graph.tools._web.search import choose

    try:
        return choose(setup.search_keys, setup.search)[0]
    except UsageError as fault:
        return f"not usable: {fault.message}"


def _lines(names: list[str], size: int = 4) -> list[list[str]]:
    """So many to a line."""
    return [names[i : i + size] for i in range(0, len(names), size)]


def _versions() -> list[str]:
    from importlib.metadata import PackageNotFoundError, version

    told = []
    for name in PACKAGES:
        try:
            told.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            told.append(f"{name} not installed")
    return told
