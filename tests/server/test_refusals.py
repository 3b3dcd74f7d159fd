"""A writer that says in a field of its own why it will not: with a text beside it that is an answer, and every wire has
words for both; without one it is a failure on every wire (see also test_wires_faults)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from fusion_graph.messages import Completion
from tests.server.stand import ONE, Stand, events_of, stand, text_of
from tests.server.wires import sse

TEXT, WHY = "Here is what I can say.", "I will not say the rest."
SCRIPT = {"w/w": Completion(text=TEXT, refusal=WHY)}
ASKED = {"chat": "messages", "messages": "messages", "responses": "input"}
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}


@pytest.fixture
async def at() -> AsyncIterator[Stand]:
    async with stand(SCRIPT, ONE) as standing:
        yield standing


async def ask(at: Stand, wire: str, *, stream: bool) -> Any:
    """The body, or the text of the stream."""
    said: Any = [{"role": "user", "content": "Why?"}] if ASKED[wire] == "messages" else "Why?"
    body = {"model": "one", "max_tokens": 50, "stream": stream, ASKED[wire]: said}
    if wire == "responses":
        del body["max_tokens"]
    async with at.session.post(at.url(PATHS[wire]), json=body) as response:
        assert response.status == 200
        return await (response.text() if stream else response.json())


async def test_chat_gives_both(at: Stand) -> None:
    (choice,) = (await ask(at, "chat", stream=False))["choices"]
    assert (choice["message"]["content"], choice["message"]["refusal"]) == (TEXT, WHY)
    events = events_of(await ask(at, "chat", stream=True))
    refusals = [c["delta"].get("refusal") for e in events if isinstance(e, dict) for c in e.get("choices", ())]
    assert "".join(filter(None, refusals)) == WHY
    assert text_of(events) == TEXT


async def test_responses_have_a_part_and_events_for_it(at: Stand) -> None:
    parts = [{"type": "output_text", "text": TEXT, "annotations": [], "logprobs": []}]
    parts.append({"type": "refusal", "refusal": WHY})
    (message,) = (await ask(at, "responses", stream=False))["output"]
    assert message["content"] == parts
    events = sse(await ask(at, "responses", stream=True))
    assert [e["sequence_number"] for e in events] == list(range(len(events)))
    told = [(e["type"], e["content_index"]) for e in events if e.get("content_index")]
    assert told == [
        ("response.content_part.added", 1),
        ("response.refusal.delta", 1),
        ("response.refusal.done", 1),
        ("response.content_part.done", 1),
    ]
    assert events[-1]["response"]["output"][0]["content"] == parts


async def test_messages_stop_for_it(at: Stand) -> None:
    body = await ask(at, "messages", stream=False)
    assert (body["content"], body["stop_reason"]) == ([{"type": "text", "text": TEXT}], "refusal")
    events = sse(await ask(at, "messages", stream=True))
    assert [e["delta"]["stop_reason"] for e in events if e["type"] == "message_delta"] == ["refusal"]
