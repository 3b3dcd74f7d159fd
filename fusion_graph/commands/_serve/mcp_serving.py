"""An MCP server from the command line: settings, pipelines and engine put together."""

from __future__ import annotations

from fusion_graph import settings
from fusion_graph.commands import _console
from fusion_graph.commands._serve.serving import Given, open_journal, sources, surroundings
from fusion_graph.errors import UsageError
from fusion_graph.server._auth import Keys, keys_of
from fusion_graph.server._pipelines import Library
from fusion_graph.wiring import backends, engines
from fusion_graph.wiring.tools import server_toolbox


async def perform(given: Given, *, port: int | None, host: str) -> int:
    """Serve until told to end. Returns the exit code."""
    try:
        from fusion_graph.server._mcp import serve_http, serve_streams
        from fusion_graph.server._mcp_desk import Desk
    except ImportError:
        raise UsageError("mcp needs the SDK of the protocol", hint="pip install 'fusion-graph[mcp]'") from None
    setup = settings.load()
    selection = await backends.select(setup)
    prices = engines.prices(given.prices)
    tools = await server_toolbox(setup, given.allow_tools)
    async with engines.open_fusion(selection, prices, tools) as fusion:
        around = surroundings(setup, selection, prices, tools)
        shelf, _ = Library(lambda: sources(given), around, panel=False).load({}, ())
        journal = open_journal(setup) if given.journal else None
        desk = Desk(shelf, fusion, journal=journal, backend=selection.default)
        names = ", ".join(one.id for one in shelf.pipelines)
        _console.err(f"tools: council, {names}; backend: {selection.default} ({selection.why})")
        for one in shelf.pipelines:
            if one.missing:
                _console.err(f"warning: {one.missing}; {one.id} answers with an error until it is set")
        try:
            if port is None:
                await serve_streams(desk)
            else:
                await serve_http(desk, host=host, port=port, keys=Keys(keys_of(setup.server_keys)), ready=_console.out)
        finally:
            if journal is not None:
                journal.close()
    return 0
