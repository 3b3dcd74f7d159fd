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
    from fusion_graph.wiring import Selection

PACKAGES = ("aiohttp", "click", "graphviz", "jsonschema", "networkx", "rich", "ruamel.yaml", "xllamacpp")


@click.command("doctor", short_help="what is in use and why: backend, keys, local servers, versions")
def COMMAND() -> int:
    """Print which backend is in use and why, which keys are set (never a key itself), whether the backends answer,
    local servers and the embedded model, and versions.

    Exits with 1 if the backend in use does not answer.
    """
    from fusion_graph import settings
    from fusion_graph.commands import _console, _interrupt
    from fusion_graph.commands._figures import columns

    rows, works = _interrupt.run(_examine(settings.load()))
    _console.out(columns(rows))
    return 0 if works else 1


async def _examine(setup: Settings) -> tuple[list[tuple[str, str]], bool]:
    from fusion_graph import wiring
    from fusion_graph.providers._detect import find_local_servers, list_models

    selection = await wiring.select(setup)
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
    rows += [*_machine(setup)]
    return rows, _works(backend, reached, selection)


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

    from fusion_graph import __version__, wiring
    from fusion_graph.graph.drawing.image import programs
    from fusion_graph.providers import local

    presets = wiring.presets()
    return [
        ("embedded model", local.available() or "can be started"),
        ("settings", str(setup.file) if setup.file else "no fusiongraph.toml"),
        ("home", str(setup.home)),
        ("presets", f"{len(presets)} in {next(iter(presets.values())).parent}" if presets else "none found"),
        ("prices", f"of {wiring.prices().date}"),
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
    from fusion_graph.tools._sandbox import find_sandbox, lacks

    found = find_sandbox()
    if found is None:
        return f"none, so bash is refused: {lacks()}"
    return found.told + (f"; {found.why}" if found.why else "")


def _search(setup: Settings) -> str:
    from fusion_graph.errors import UsageError
    from fusion_graph.tools._search import choose

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
