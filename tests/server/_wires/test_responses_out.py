"""What a Responses stream says; its shape as a whole is held to the rules in `test_wires`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fusion_graph.events import CallStarted
from fusion_graph.messages import Call, Delta, Sampling, ToolCallDelta, Usage
from fusion_graph.providers.sim import Script
from fusion_graph.server._errors import Refused, invalid, limited
from fusion_graph.server._replay import Recall
from fusion_graph.server._wires.fusion_out import MAX_SAID, Findings
from fusion_graph.server._wires.names import Names, Origin
from fusion_graph.server._wires.responses_out import ResponseSpeech, counted
from fusion_graph.server._wires.speech import Head
from tests.server.stand import PANEL, stand
from tests.server.wires import read_until, sse, stream_responses

FUSE = {"type": "openrouter:fusion"}


def speech(names: Names | None = None) -> ResponseSpeech:
    return ResponseSpeech(Head("r1", "fusion", 1), names=names or Names(), echo={"tools": []})


def events(data: bytes) -> list[dict[str, Any]]:
    return sse(data.decode())


def kinds(data: bytes) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events(data)]


def test_waiting_counts_on() -> None:
    made = speech()
    assert kinds(made.beat()) == ["created", "in_progress"]
    (again,) = events(made.beat())
    assert (again["type"], again["sequence_number"]) == ("response.in_progress", 2)
    assert again["response"]["output"] == []


def test_text_opens_its_item_once() -> None:
    made = speech()
    assert kinds(made.text("a"))[2:] == ["output_item.added", "content_part.added", "output_text.delta"]
    assert kinds(made.text("b")) == ["output_text.delta"]
    assert made.text("") == b""


def test_calls_grow_side_by_side() -> None:
    made = speech()
    made.text("a")
    first = kinds(made.calls((ToolCallDelta(0, "c0", "x", "{"), ToolCallDelta(1, "c1", "y", "{}"))))
    assert first[:3] == ["output_text.done", "content_part.done", "output_item.done"]
    assert first[3:] == ["output_item.added", "function_call_arguments.delta"] * 2
    (late,) = events(made.calls((ToolCallDelta(0, "", "", "}"),)))
    assert (late["output_index"], late["item_id"]) == (1, "fc_r1_1")


def test_names_lead_back_to_what_the_client_calls_them() -> None:
    names = Names()
    names.add({"name": "look_up"}, Origin("look_up", "mcp"), "tools[0]")
    names.add({"name": "patch"}, Origin("patch", custom=True), "tools[1]")
    made = speech(names)
    pieces = (ToolCallDelta(0, "c0", "mcp__look_up", "{}"), ToolCallDelta(1, "c1", "patch", '{"input": "*'))
    added = [e["item"] for e in events(made.calls(pieces)) if e["type"] == "response.output_item.added"]
    assert added[0] | {"id": ""} == {
        "id": "",
        "status": "in_progress",
        "type": "function_call",
        "call_id": "c0",
        "name": "look_up",
        "namespace": "mcp",
        "arguments": "",
    }
    assert (added[1]["type"], added[1]["name"], added[1]["input"]) == ("custom_tool_call", "patch", "")
    assert made.calls((ToolCallDelta(1, "", "", '*"}'),)) == b""


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (invalid("no"), "invalid_prompt"),
        (limited("slow", 5), "rate_limit_exceeded"),
        (Refused(502, "upstream_error", "x", code="all_panels_failed"), "server_error"),
        (Refused(502, "upstream_error", "x", code="context_length"), "invalid_prompt"),
        (Refused(504, "timeout_error", "x", code="deadline"), "server_error"),
        (Refused(429, "insufficient_quota", "x", code="insufficient_quota"), "invalid_prompt"),
    ],
)
def test_a_failed_stream_says_whether_to_come_again(refused: Refused, code: str) -> None:
    *_, last = events(speech().failed(refused))
    assert last["type"] == "response.failed"
    assert last["response"]["error"] == {"code": code, "message": refused.message}


def test_tokens_are_counted_in_its_words() -> None:
    found = counted(Usage(prompt_tokens=10, completion_tokens=3, cached_tokens=4, reasoning_tokens=2))
    assert found["input_tokens_details"] == {"cached_tokens": 4}
    assert found["output_tokens_details"] == {"reasoning_tokens": 2}
    assert found["total_tokens"] == 13


async def test_the_fusion_is_an_item_before_the_message() -> None:
    async with stand() as at:
        body = {"model": "fusion", "input": "Why?", "tools": [FUSE]}
        at.upstream.faults["b/y"].append("500")
        async with at.session.post(at.url("/v1/responses"), json={**body, "stream": True}) as response:
            text = await response.text()
        async with at.session.post(at.url("/v1/responses"), json=body) as response:
            whole = await response.json()
    assert stream_responses(text).text == "The written answer."
    told = sse(text)
    fusion = [e["type"].removeprefix("response.fusion_call.") for e in told if "fusion_call" in e["type"]]
    assert fusion[0] == "in_progress"
    assert fusion[-3:] == ["analysis.in_progress", "analysis.completed", "completed"]
    assert {"panel.added", "panel.delta", "panel.completed", "panel.failed"} <= set(fusion)
    item, message = told[-1]["response"]["output"]
    assert (item["type"], message["type"]) == ("openrouter:fusion", "message")
    assert item["responses"] == [{"model": "a/x", "content": "Draft of a."}]
    assert item["failed_models"] == [{"model": "b/y", "error": "upstream_5xx", "status_code": 500}]
    assert [entry["model"] for entry in whole["output"][0]["responses"]] == ["a/x", "b/y"]


def panel_events(text: str, model: str) -> list[tuple[str, str]]:
    """What was told of one panelist, in order."""
    told = [event for event in sse(text) if event.get("model") == model]
    return [
        (e["type"].removeprefix("response.fusion_call.panel."), str(e.get("delta", e.get("content", "")))) for e in told
    ]


async def test_a_panelist_is_heard_while_it_writes() -> None:
    more = asyncio.Event()
    script: Script = {"a/x": (Delta(reasoning="Hm."), "Draft ", more, "of a.")}
    async with stand(script) as at:
        body = {"model": "fusion", "input": "Why?", "stream": True, "tools": [FUSE]}
        async with at.session.post(at.url("/v1/responses"), json=body) as response:
            text = await read_until(response, lambda text: "Draft " in text)
            assert "panel.completed" not in text.partition('"a/x"')[2].partition("b/y")[0]
            more.set()
            text += await response.text()
    told = panel_events(text, "a/x")
    assert told[0][0] == "added"
    assert told[-1] == ("completed", "Draft of a.")
    assert "".join(delta for kind, delta in told if kind == "reasoning.delta") == "Hm."
    pieces = [delta for kind, delta in told if kind == "delta"]
    assert len(pieces) > 1
    assert "".join(pieces) == "Draft of a."


async def test_a_panelist_that_begins_anew_is_told_whole() -> None:
    twice = PANEL.replace("attempts: 1", "attempts: 2, backoff_s: 0.0")
    async with stand(None, twice) as at:
        at.upstream.faults["a/x"].append("cut")
        body = {"model": "fusion", "input": "Why?", "stream": True, "tools": [FUSE]}
        async with at.session.post(at.url("/v1/responses"), json=body) as response:
            told = panel_events(await response.text(), "a/x")
    assert told == [("added", ""), ("delta", "The quick "), ("completed", "Draft of a.")]


def test_what_is_heard_is_bounded() -> None:
    found = Findings({"p": "panel", "q": "panel", "w": "synth"}, {})
    request = Call("a/x", (), Sampling())
    for node in ("p", "q", "w"):
        [*found.tell(CallStarted(0.0, node, 0, 1, "a/x", request))]
    assert [*found.hear("w", Delta("x"), room=True)] == [*found.hear("nobody", Delta("x"), room=True)] == []
    assert [name for name, _ in found.hear("p", Delta("x"), room=True)] == ["panel.delta"]
    assert [*found.hear("p", Delta("x" * MAX_SAID), room=True)] == [*found.hear("p", Delta("x"), room=True)] == []
    assert [*found.hear("q", Delta("x"), room=False)] == [*found.hear("q", Delta("x"), room=True)] == []


async def test_nobody_listens_where_nobody_asked() -> None:
    async with stand() as at:
        for more, listened in (({}, False), ({"tools": [FUSE]}, True)):
            recall = _Watched()
            at.server.service.replays.recall = lambda *_args, it=recall: it  # type: ignore[method-assign]
            body = {"model": "fusion", "input": "Why?", "stream": True, **more}
            async with at.session.post(at.url("/v1/responses"), json=body) as response:
                await response.text()
            assert recall.listened == listened


class _Watched(Recall):
    """Knows whether anybody listened, which a memory forgets when its run is over."""

    listened = False

    def __setattr__(self, name: str, value: object) -> None:
        self.__dict__["listened"] = self.listened or (name == "overhear" and value is not None)
        super().__setattr__(name, value)


async def test_only_who_asks_sees_the_fusion() -> None:
    async with stand(None, PANEL) as at:
        for more, seen in (({}, False), ({"fusion": {"events": True}}, True), ({"plugins": [{"id": "fusion"}]}, True)):
            body = {"model": "fusion", "input": "Why?", "stream": True, **more}
            async with at.session.post(at.url("/v1/responses"), json=body) as response:
                assert ("fusion_call" in await response.text()) == seen
