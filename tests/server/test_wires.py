"""The three wires are one thing in three languages: what goes in by any of them is the same question, what comes out is
the same answer. `_conversing`, which they share, is seen from outside here."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_graph.messages import Message, Sampling, ToolCall, ToolCallDelta, Usage
from fusion_graph.outputs import Draft
from fusion_graph.server._wires.asked import Asked
from fusion_graph.server._wires.chat import CHAT
from fusion_graph.server._wires.messages import MESSAGES
from fusion_graph.server._wires.responses import RESPONSES
from fusion_graph.server._wires.speech import Head, Speech
from tests.server.stand import stand
from tests.server.wires import WIRES, Told, call, tool

READERS = {"chat": CHAT, "messages": MESSAGES, "responses": RESPONSES}
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_-]{0,20}", fullmatch=True)
INTEGERS = st.integers(-(2**63), 2**64 - 1)  # a body's longer ones are floats where orjson reads it (`jsontext`)
OBJECTS = st.dictionaries(WORDS, INTEGERS | WORDS | st.none(), max_size=3)
IMAGES = st.sampled_from(["https://x.example/a.png", "data:image/png;base64,aGk="])
PARTS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, WORDS),
    st.builds(lambda url: {"type": "image_url", "image_url": {"url": url}}, IMAGES),
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns as agents have them: what every wire can say."""
    turns = [Message("system", draw(WORDS))] if draw(st.booleans()) else []
    for turn in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):  # anywhere, as agents put reminders between turns
            turns.append(Message("system", draw(WORDS)))
        parts = st.lists(PARTS, min_size=1, max_size=3).map(tuple)
        turns.append(Message("user", draw(WORDS | parts)))
        calls = tuple(
            ToolCall(id=f"c{turn}_{k}", name=draw(NAMES), arguments=json.dumps(draw(OBJECTS), ensure_ascii=False))
            for k in range(draw(st.integers(0, 2)))
        )
        turns.append(Message("assistant", draw(WORDS) if not calls or draw(st.booleans()) else "", tool_calls=calls))
        turns += [Message("tool", draw(WORDS), tool_call_id=made.id) for made in calls]
    return tuple(turns)


@st.composite
def samplings(draw: st.DrawFn) -> Sampling:
    """Fields that every wire has a word for."""
    tools = tuple(tool(name) for name in draw(st.lists(NAMES, max_size=2, unique=True)))
    named = [{"type": "function", "function": {"name": made["function"]["name"]}} for made in tools]
    choices = [None, "auto", "required", "none", *named]
    choice = draw(st.sampled_from(choices)) if tools else None
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}
    return Sampling(
        temperature=draw(st.none() | st.floats(0, 2)),
        top_p=draw(st.none() | st.floats(0, 1)),
        max_tokens=draw(st.integers(1, 1000)),
        reasoning_effort=draw(st.none() | st.sampled_from(["low", "high"])),
        response_format=draw(st.sampled_from([None, form])),
        tools=tools,
        tool_choice=choice,
        extra={"parallel_tool_calls": False} if choice is not None and draw(st.booleans()) else {},
    )


def read(wire: str, body: Mapping[str, Any]) -> Asked:
    return READERS[wire].read(json.loads(json.dumps(body)), 8)[0]


@settings(deadline=None)
@given(conversations(), samplings())
def test_every_wire_reads_the_same_question(messages: tuple[Message, ...], sampling: Sampling) -> None:
    for name, wire in WIRES.items():
        asked = read(name, wire.write("fusion", messages, sampling))
        assert asked.messages == messages
        assert asked.writer == sampling
        assert asked.ignored == ()


PIECES = st.lists(
    st.one_of(
        st.tuples(st.just(-1), WORDS),
        st.tuples(st.integers(0, 2), st.sampled_from(['{"a": ', "1", "}", "", '"\\u00e9"'])),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(PIECES)
def test_every_wire_tells_the_same_answer(pieces: list[tuple[int, str]]) -> None:
    """Text and pieces of several calls in any order: a stream keeps its rules and comes to the same as the pieces."""
    text = "".join(said for place, said in pieces if place < 0)
    arguments: dict[int, str] = {}
    for place, said in pieces:
        if place >= 0:
            arguments[place] = arguments.get(place, "") + said
    for name, wire in WIRES.items():
        speech = speak(name)
        stream, begun = b"", set[int]()
        for place, said in pieces:
            if place < 0:
                stream += speech.text(said)
            else:
                first = place not in begun
                begun.add(place)
                named = (f"c{place}", "look_up") if first else ("", "")
                stream += speech.calls((ToolCallDelta(place, *named, said),))
        told = wire.stream((stream + speech.end(finished(text, arguments, name), {})).decode())
        assert told.text == text
        if name == "chat" or text or arguments:  # what says nothing has no item and no block
            whole = wire.whole(json.loads(json.dumps(speak(name).whole(finished(text, arguments, name), {}))))
            assert (whole.text, whole.reason) == (text, told.reason)
            assert [made[:2] for made in whole.calls] == [made[:2] for made in told.calls] or name == "messages"
        assert {made[0]: made[2] or "{}" for made in told.calls} == {
            f"c{place}": given or "{}" for place, given in arguments.items()
        }


def speak(name: str) -> Speech:
    body = WIRES[name].write("fusion", (Message("user", "Why?"),), Sampling())
    return READERS[name].read(body, 8)[1](Head("r1", "fusion", 1))


def finished(text: str, arguments: Mapping[int, str], wire: str) -> Any:
    """A result, as far as speech looks at it. Messages has objects for arguments, so it is told of valid ones."""
    calls = tuple(
        ToolCall(id=f"c{place}", name="look_up", arguments="{}" if wire == "messages" else given)
        for place, given in arguments.items()
    )
    draft = Draft(text, "answer", tool_calls=calls)

    class Result:
        run_id = "r1"
        answer = draft
        choices = (draft,)
        usage = Usage()
        cost_usd = 0.0
        events = ()

    return Result()


TURNS = (
    Message("system", "Be brief."),
    Message("user", "Why?"),
    Message("assistant", "Let me see.", tool_calls=(call(1), call(2))),
    Message("tool", "because", tool_call_id="call_1"),
    Message("tool", "of that", tool_call_id="call_2"),
)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("turns", [TURNS[:2], TURNS, (*TURNS, Message("user", "And why that?"))])
async def test_every_wire_makes_the_same_calls(turns: tuple[Message, ...], stream: bool) -> None:
    """The first is a question, the second a turn of the writer alone, the third one for the whole panel again."""
    sampling = Sampling(max_tokens=50, temperature=0.5, tools=(tool(),), tool_choice="auto")
    seen = [await calls_of(name, turns, sampling, stream=stream) for name in WIRES]
    assert all(told.error is None for told, _ in seen)
    assert {(told.text, told.reason) for told, _ in seen} == {("The written answer.", "stop")}
    assert seen[0][1] == seen[1][1] == seen[2][1]
    assert len(seen[0][1]) == (1 if turns is TURNS else 4)


@settings(max_examples=30)
@given(conversations(), samplings(), st.booleans())
def test_every_wire_makes_the_same_calls_whatever_was_said(
    turns: tuple[Message, ...], sampling: Sampling, stream: bool
) -> None:
    """System prompts, tools, images, forms of the answer: all the way to the upstream, retries and repairs too."""

    async def seen() -> list[list[str]]:
        return [(await calls_of(name, turns, sampling, stream=stream))[1] for name in WIRES]

    chat, messages, responses = asyncio.run(seen())
    assert chat
    assert chat == messages == responses


async def calls_of(
    name: str, turns: tuple[Message, ...], sampling: Sampling, *, stream: bool
) -> tuple[Told, list[str]]:
    """What a client is told, and every body that went upstream, in order of their words."""
    wire = WIRES[name]
    async with stand() as at:
        body = {**wire.write("fusion", turns, sampling), "stream": stream}
        async with at.session.post(at.url(wire.path), json=body) as response:
            text = await response.text()
            streamed = response.headers["Content-Type"].startswith("text/event-stream")
        marks = [json.dumps(request.body, sort_keys=True) for request in at.upstream.received]
    return wire.stream(text) if streamed else wire.whole(json.loads(text)), sorted(unmarked(mark) for mark in marks)


def unmarked(body: str) -> str:
    """Without the mark around untrusted text, which is drawn anew for each run."""
    return re.sub(r"\b[0-9a-f]{12}\b", "MARK", body)
