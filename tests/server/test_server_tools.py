"""Tools of a server's pipelines (wire contract 1.8, 2): run in proposers, known to nobody outside, lowered by a
request; what they read is listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from fusion_graph.contracts import Tool
from fusion_graph.messages import Call, Completion, ToolCall
from fusion_graph.toolbox import RESERVED, Toolbox, set_apart
from fusion_graph.tools._site import Site
from fusion_graph.tools._web.search import of_function
from fusion_graph.tools.web_search import TOOL as SEARCH
from tests.server.stand import PANEL, SCRIPT, Stand, events_of, stand
from tests.server.wires import WIRES, sse, tool

PIPELINE = PANEL.replace("models: [a/x, b/y]", "models: [{model: a/x, tools: [web_search, other]}, b/y]")
HITS = [{"title": "First", "url": "https://a.test/"}, {"title": "Odd", "url": "javascript:x"}]
DOOR = {"plugins": [{"id": "fusion"}]}


async def _other(_arguments: Mapping[str, Any], _site: Any) -> str:
    return "nothing"


OTHER = Tool(name="other", description="does nothing", parameters={"type": "object"}, run=_other)
BOX = Toolbox(
    tools={"web_search": SEARCH, "other": OTHER},
    site=Site(search=of_function(lambda _query: HITS)),
    known=("web_search", "other"),
)


def searching(times: int) -> Any:
    """A model that searches so often, if it may."""

    def reply(call: Call) -> Completion | str:
        done = sum(message.role == "tool" for message in call.messages)
        names = [tool["function"]["name"] for tool in call.sampling.tools]
        if done >= times or call.sampling.tool_choice == "none" or "fusion_web_search" not in names:
            return "Draft of a."
        return Completion(tool_calls=(ToolCall(id=f"c{done}", name="fusion_web_search", arguments='{"query": "x"}'),))

    return reply


def asked_of(at: Stand, model: str) -> list[Mapping[str, Any]]:
    return [request.body for request in at.upstream.received if request.body["model"] == model]


async def test_its_tools_have_reserved_names_and_never_reach_a_client() -> None:
    async with stand({"a/x": searching(1)}, PIPELINE, tools=BOX) as at:
        async with at.post(stream=True, tools=[tool("web_search")]) as response:
            text = await response.text()
        names = [t["function"]["name"] for body in asked_of(at, "a/x") for t in body["tools"]]
        assert set(names) == {"fusion_web_search", "fusion_other"}
        assert [t["function"]["name"] for t in asked_of(at, "w/w")[0]["tools"]] == ["web_search"]
        assert all("tools" not in body for model in ("b/y", "j/j") for body in asked_of(at, model))
    assert RESERVED not in text
    assert events_of(text)[-1] == "[DONE]"


@pytest.mark.parametrize("wire", WIRES)
async def test_a_clients_tool_with_a_reserved_name_is_refused(wire: str) -> None:
    from fusion_graph.messages import Message, Sampling

    async with stand() as at:
        sampling = Sampling(max_tokens=9, tools=(tool("fusion_web_search"),))
        body = WIRES[wire].write("fusion", (Message("user", "Why?"),), sampling)
        async with at.session.post(at.url(WIRES[wire].path), json=body) as response:
            assert response.status == 400
        assert not at.upstream.received


def test_a_long_name_is_shortened_and_stays_its_own() -> None:
    tools = {name: Tool(**{**_fields(OTHER), "name": name}) for name in ("x" * 64, "x" * 63 + "y")}
    names = {tool.name for tool in set_apart(Toolbox(tools=tools)).tools.values()}
    assert len(names) == 2
    assert all(len(name) <= 64 and name.startswith(RESERVED) for name in names)


def _fields(tool: Tool) -> dict[str, Any]:
    return {name: getattr(tool, name) for name in Tool.__slots__}


async def test_a_model_runs_only_the_tools_of_its_node() -> None:
    # security 24: a tool that another node has, or that nobody allowed, is not run
    ran: list[str] = []

    async def noted(_arguments: Mapping[str, Any], _site: Any) -> str:
        ran.append("other")
        return "done"

    def trying(call: Call) -> Completion | str:
        last = call.messages[-1]
        if last.role == "tool":
            return f"told: {last.text}"
        names = ("fusion_other", "fusion_bash", "other")
        return Completion(tool_calls=tuple(ToolCall(id=n, name=n, arguments="{}") for n in names))

    pipeline = PIPELINE.replace("tools: [web_search, other]", "tools: [web_search]")
    tools = {**BOX.tools, "other": Tool(**{**_fields(OTHER), "run": noted})}
    async with stand({"a/x": trying}, pipeline, tools=replace(BOX, tools=tools)) as at:
        _, body = await at.ask(fusion={"include": ["responses"]})
    assert ran == []
    assert "there is no tool 'other'" in body["fusion"]["responses"][0]["content"]


async def test_what_the_panel_read_is_listed_once() -> None:
    async with stand({"a/x": searching(2)}, PIPELINE, tools=BOX) as at:
        _, body = await at.ask(**DOOR, fusion={"include": ["responses", "analysis"]})
        assert body["fusion"]["result"]["sources"] == [{"url": "https://a.test/", "title": "First"}]
        async with at.session.post(
            at.url("/v1/responses"), json={"model": "fusion", "input": "Why?", "stream": True, **DOOR}
        ) as response:
            events = sse(await response.text())
    assert events[-1]["response"]["output"][0]["sources"] == [{"url": "https://a.test/", "title": "First"}]


@pytest.mark.parametrize(
    ("plugin", "calls", "offered"),
    [
        ({}, 4, {"fusion_web_search", "fusion_other"}),
        ({"max_tool_calls": 16}, 5, {"fusion_web_search", "fusion_other"}),
        ({"max_tool_calls": 2}, 2, {"fusion_web_search", "fusion_other"}),
        ({"tools": [{"type": "openrouter:web_search"}]}, 4, {"fusion_web_search"}),
        ({"tools": []}, 0, set()),
    ],
)
async def test_a_request_lowers_what_the_panel_may_do(plugin: Any, calls: int, offered: set[str]) -> None:
    async with stand({"a/x": searching(5)}, PIPELINE, tools=BOX) as at:
        status, body = await at.ask(plugins=[{"id": "fusion", **plugin}])
        assert status == 200
        sent = asked_of(at, "a/x")
        assert {t["function"]["name"] for one in sent for t in one.get("tools", ())} == offered
        spent = [m for m in sent[-1]["messages"] if m["role"] == "tool" and "No more tools" not in m["content"]]
        assert len(spent) == calls
    assert not [name for name in body["fusion"]["ignored"] if "tool" in name]


async def test_a_request_enables_no_tool() -> None:
    async with stand({"a/x": searching(1)}, tools=BOX) as at:
        _, body = await at.ask(plugins=[{"id": "fusion", "tools": ["web_search"], "max_tool_calls": 3}])
        assert all("tools" not in request.body for request in at.upstream.received)
    assert body["fusion"]["ignored"] == ["plugin.tools.web_search"]
    assert SCRIPT["w/w"] == body["choices"][0]["message"]["content"]
