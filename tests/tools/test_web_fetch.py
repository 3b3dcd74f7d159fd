from __future__ import annotations

import pytest

from fusion_graph.errors import ToolError
from fusion_graph.tools._site import Site
from fusion_graph.tools.web_fetch import TOOL
from tests.tools.web_server import open_web, serving


async def test_a_page_in_pieces() -> None:
    async with serving() as served:
        site = Site(web=open_web())
        assert "First & second." in await TOOL.run({"url": f"{served.url}/page"}, site)
        piece = await TOOL.run({"url": f"{served.url}/large", "max_chars": 100}, site)
        assert piece.endswith("[49900 more characters; go on with start=100]")
        last = await TOOL.run({"url": f"{served.url}/large", "start": 49_990}, site)
        assert last == f"(untitled)\n{served.url}/large\n\nxxxxxxxxxx"
        assert TOOL.sources(last) == ((f"{served.url}/large", "(untitled)"),)
        ((url, title),) = TOOL.sources(await TOOL.run({"url": f"{served.url}/page"}, site))
        assert (url, title) == (f"{served.url}/page", "A page")
        with pytest.raises(ToolError, match="no text from character 60000 on"):
            await TOOL.run({"url": f"{served.url}/large", "start": 60_000}, site)


async def test_what_is_no_page_is_told() -> None:
    async with serving() as served:
        site = Site(web=open_web())
        with pytest.raises(ToolError, match="status 404"):
            await TOOL.run({"url": f"{served.url}/gone"}, site)
        with pytest.raises(ToolError, match="image/png, not text"):
            await TOOL.run({"url": f"{served.url}/picture"}, site)
    assert TOOL.lacks(Site()) == "the web was not opened to tools"
