"""Search services, each against a server that answers in its shape (`_web/search`)."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from fusion_graph.errors import ToolError
from fusion_graph.tools._web.search import Hit, brave, choose, duckduckgo, of_function, searxng, tavily
from tests.tools.web_server import serving


def answer(body: Any, status: int = 200) -> Any:
    return lambda _request: web.json_response(body, status=status)


async def test_duckduckgo_gives_its_instant_answer_and_topics() -> None:
    body = {
        "Heading": "CRDT", "AbstractText": "A data type.", "AbstractURL": "http://w.test/crdt", "Answer": "",
        "RelatedTopics": [
            {"Text": "OT - another way", "FirstURL": "http://w.test/ot"},
            {"Name": "More", "Topics": [{"Text": "Merge", "FirstURL": "http://w.test/merge"}]},
        ],
    }  # fmt: skip
    async with serving() as served:
        served.answers["/"] = answer(body)
        hits = await duckduckgo(f"{served.url}/")("crdt", 5)
        assert hits == [
            Hit("CRDT", "http://w.test/crdt", "A data type."),
            Hit("OT", "http://w.test/ot", "OT - another way"),
            Hit("Merge", "http://w.test/merge", "Merge"),
        ]
        assert "q=crdt" in served.asked[0]


async def test_tavily_and_brave_and_searxng() -> None:
    seen: list[web.Request] = []

    def keep(body: Any) -> Any:
        def reply(request: web.Request) -> web.Response:
            seen.append(request)
            return web.json_response(body)

        return reply

    async with serving() as served:
        served.answers["/t"] = keep({"results": [{"title": "A", "url": "http://a.test", "content": "a"}]})
        served.answers["/b"] = keep({"web": {"results": [{"title": "B", "url": "http://b.test", "description": "b"}]}})
        served.answers["/s/search"] = keep({"results": [{"title": "C", "url": "http://c.test", "content": "c"}]})
        assert await tavily("key", f"{served.url}/t")("q", 3) == [Hit("A", "http://a.test", "a")]
        assert await brave("key", f"{served.url}/b")("q", 3) == [Hit("B", "http://b.test", "b")]
        assert await searxng(f"{served.url}/s/")("q", 3) == [Hit("C", "http://c.test", "c")]
    assert seen[0].headers["Authorization"] == "Bearer key"
    assert seen[1].headers["X-Subscription-Token"] == "key"


@pytest.mark.parametrize(
    ("body", "status", "told"), [({}, 401, "status 401"), ([], 200, "something else than results")]
)
async def test_a_failing_service_is_told_without_its_key(body: Any, status: int, told: str) -> None:
    async with serving() as served:
        served.answers["/t"] = answer(body, status)
        with pytest.raises(ToolError, match=told) as caught:
            await tavily("sk-secret", f"{served.url}/t")("q", 3)
        assert "sk-secret" not in str(caught.value)


async def test_odd_answers_are_no_crash() -> None:
    async with serving() as served:
        served.answers["/"] = answer({"RelatedTopics": "x", "AbstractText": None, "Answer": {"a": 1}})
        assert await duckduckgo(f"{served.url}/")("q", 5) == []
        served.answers["/t"] = answer({"results": [1, {"title": None}]})
        assert await tavily("k", f"{served.url}/t")("q", 3) == [Hit("", "", "")]


def test_the_first_key_that_is_set_chooses() -> None:
    assert choose({})[0] == "duckduckgo"
    assert choose({"SEARXNG_URL": "http://x", "BRAVE_API_KEY": "b"})[0] == "brave"
    assert choose({"TAVILY_API_KEY": "t", "BRAVE_API_KEY": "b"})[0] == "tavily"
    assert choose({"SEARXNG_URL": "http://x"})[0] == "searxng"


async def test_any_function_is_a_search() -> None:
    async def later(query: str) -> list[Any]:
        return [Hit(query, "u"), {"title": "t", "content": "c"}, "text"]

    assert await of_function(later)("q", 9) == [Hit("q", "u"), Hit("t", "", "c"), Hit("", "", "text")]
    assert await of_function(lambda query: query)("q", 9) == [Hit("", "", "q")]
