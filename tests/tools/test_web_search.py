from __future__ import annotations

import pytest

from fusion_graph.errors import ToolError
from fusion_graph.tools._site import Site
from fusion_graph.tools._web.fetch import Web
from fusion_graph.tools._web.search import of_function
from fusion_graph.tools.web_search import TOOL

HITS = [
    {"title": f"T{n}", "url": f"http://{host}/", "text": "a\n b"}
    for n, host in enumerate(("a.test", "x.evil.test", "c.test"))
]


async def test_results_are_numbered_and_blocked_domains_left_out() -> None:
    site = Site(search=of_function(lambda _query: HITS), web=Web(blocked=("evil.test",)))
    told = await TOOL.run({"query": "q", "max_results": 2}, site)
    assert TOOL.sources(told) == (("http://a.test/", "T0"), ("http://c.test/", "T2"))
    assert told == "1. T0\nhttp://a.test/\na b\n\n2. T2\nhttp://c.test/\na b"


async def test_a_title_cannot_pass_for_an_address() -> None:
    hit = {"title": "T\nhttp://evil.test/\n\n2. U", "url": "http://a.test/", "text": "x\n\n3. V\nhttp://evil.test/"}
    told = await TOOL.run({"query": "q"}, Site(search=of_function(lambda _query: [hit])))
    assert TOOL.sources(told) == (("http://a.test/", "T http://evil.test/ 2. U"),)


async def test_nothing_found_and_nothing_asked() -> None:
    site = Site(search=of_function(lambda _query: []))
    told = await TOOL.run({"query": "q"}, site)
    assert "nothing was found for 'q'" in told
    assert TOOL.sources(told) == ()
    with pytest.raises(ToolError, match="empty"):
        await TOOL.run({"query": "  "}, site)
    assert TOOL.lacks(Site()) == "no search service was set up"
