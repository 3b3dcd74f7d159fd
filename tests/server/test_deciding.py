"""`convene: auto`: the writer answers alone or calls for the panel, on every wire; both runs are one for whoever reads
and pays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fusion_graph.messages import Call, Completion, Message, Sampling, ToolCall
from fusion_graph.providers.sim import Script
from fusion_graph.server._auth import Key, digest_of
from fusion_graph.server._deciding import NAME
from tests.server.stand import PANEL, Stand, stand
from tests.server.wires import WIRES, tool

AUTO = PANEL.replace("name: fusion", "name: fusion\nconvene: auto")
CONVENE = ToolCall(id="c0", name=NAME, arguments="{}")
OWN = ToolCall(id="c1", name="look_up", arguments='{"q": "x"}')
QUESTION = (Message("user", "Why?"),)


def writer(first: Any) -> Script:
    """Says `first` where it may call for the panel, and writes the answer else."""

    def reply(call: Call) -> Any:
        return first if NAME in str(call.sampling.tools) else "The written answer."

    return {"w/w": reply}


def called(at: Stand) -> list[str]:
    return [request.body["model"] for request in at.upstream.received]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("first", "text", "calls"),
    [
        ("I know that.", "I know that.", ["w/w"]),
        (Completion(tool_calls=(CONVENE,)), "The written answer.", ["w/w", "a/x", "b/y", "j/j", "w/w"]),
        (Completion(text=" \n", tool_calls=(CONVENE, OWN)), "The written answer.", ["w/w", "a/x", "b/y", "j/j", "w/w"]),
        (Completion(text="I know.", tool_calls=(CONVENE,)), "I know.", ["w/w"]),
    ],
)
async def test_the_writer_decides(wire: str, stream: bool, first: Any, text: str, calls: list[str]) -> None:
    spoken = WIRES[wire]
    async with stand(writer(first), AUTO) as at:
        body = {**spoken.write("fusion", QUESTION, Sampling(max_tokens=50)), "stream": stream}
        async with at.session.post(at.url(spoken.path), json=body) as response:
            said = await response.text()
        told = spoken.stream(said) if stream else spoken.whole(json.loads(said))
        assert sorted(called(at)) == sorted(calls)
    assert (told.text, told.calls, told.reason) == (text, (), "stop")
    assert NAME not in said


@pytest.mark.parametrize("stream", [False, True])
async def test_own_calls_pass_and_a_late_call_for_the_panel_does_not(stream: bool) -> None:
    wire = WIRES["chat"]
    async with stand(writer(Completion(text="Let me see.", tool_calls=(CONVENE, OWN))), AUTO) as at:
        body = {**wire.write("fusion", QUESTION, Sampling(tools=(tool(),))), "stream": stream}
        async with at.session.post(at.url(wire.path), json=body) as response:
            said = await response.text()
        assert called(at) == ["w/w"]
    told = wire.stream(said) if stream else wire.whole(json.loads(said))
    assert told.calls == (("c1", "look_up", '{"q": "x"}'),)
    assert told.reason == "tool_calls"


async def test_both_runs_are_one_for_who_pays() -> None:
    async with stand(writer(Completion(tool_calls=(CONVENE,))), AUTO) as at:
        _, convened = await at.ask()
    async with stand(writer("I know."), AUTO) as at:
        _, alone = await at.ask()
    async with stand(None, PANEL) as at:
        _, always = await at.ask()
    assert (convened["fusion"]["mode"], alone["fusion"]["mode"]) == ("full", "writer_only")
    assert convened["fusion"]["cost_usd"] > always["fusion"]["cost_usd"] > alone["fusion"]["cost_usd"] > 0
    assert convened["usage"]["total_tokens"] > always["usage"]["total_tokens"]
    (node,) = [node for node in convened["fusion"]["nodes"] if node["name"] == "answer"]
    assert node["attempts"] == 2


@pytest.mark.parametrize(
    "more",
    [
        {"plugins": [{"id": "fusion"}]},
        {"tools": [{"type": "openrouter:fusion"}]},
        {"model": "openrouter/fusion"},
        {"n": 2},
        {"tools": [tool()], "tool_choice": "required"},
    ],
)
async def test_who_demands_a_panel_gets_one(more: dict[str, Any]) -> None:
    async with stand(writer("I know."), AUTO) as at:
        await at.ask(**more)
        assert {"a/x", "b/y", "j/j"} <= {*called(at)}
        assert NAME not in str([request.body for request in at.upstream.received])


async def test_a_client_that_wants_no_calls_gets_none() -> None:
    async with stand(writer("I know."), AUTO) as at:
        await at.ask(tools=[tool()], tool_choice="none")
        (sent,) = [request.body for request in at.upstream.received]
    assert [made["function"]["name"] for made in sent["tools"]] == [NAME]


async def test_a_lost_writer_is_told_and_the_panel_convened() -> None:
    async with stand(None, AUTO) as at:
        at.upstream.faults["w/w"].append("500")
        status, body = await at.ask()
    assert (status, body["choices"][0]["message"]["content"]) == (200, "The written answer.")
    assert [entry["action"] for entry in body["fusion"]["degraded"]] == ["the panel was convened"]


async def test_a_stream_that_breaks_while_it_decides_is_an_error() -> None:
    async with stand(None, AUTO) as at:
        at.upstream.faults["w/w"].append("cut")
        events = await at.stream()
        assert called(at) == ["w/w"]
    assert "error" in events[-1]


async def test_worst_case_holds_both() -> None:
    """A budget with room for the panel alone has none for the panel after the writer."""
    raw = "k" * 20
    async with stand(None, PANEL) as at:
        (served,) = at.server.service.shelf.pipelines
        worst = served.forecast.cost.worst
    assert worst is not None
    keys = [Key(name="alice", digest=digest_of(raw), budget_usd_per_day=worst, traces=True)]
    headers = {"Authorization": f"Bearer {raw}"}
    async with stand(None, PANEL, keys=keys) as at:
        assert (await at.ask(headers=headers))[0] == 200
    async with stand(None, AUTO, keys=keys) as at:
        status, body = await at.ask(headers=headers)
    assert (status, body["error"]["code"]) == (429, "insufficient_quota")


async def test_no_client_has_a_tool_of_that_name() -> None:
    async with stand(None, AUTO) as at:
        assert (await at.ask(tools=[tool(NAME)]))[0] == 400
