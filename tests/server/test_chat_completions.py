"""POST /v1/chat/completions over a socket, on the real engine, with a simulated upstream."""

from __future__ import annotations

from tests.server.stand import stand, text_of


async def test_answers_in_one_piece() -> None:
    async with stand() as at, at.post() as response:
        body = await response.json()
    assert response.status == 200
    assert body["object"] == "chat.completion"
    assert body["model"] == "fusion"
    (choice,) = body["choices"]
    assert choice["message"] == {"role": "assistant", "content": "The written answer.", "refusal": None}
    assert (choice["finish_reason"], choice["logprobs"]) == ("stop", None)


async def test_block_tells_how_it_was_made() -> None:
    async with stand() as at, at.post() as response:
        body = await response.json()
    block = body["fusion"]
    assert block["config"] == "fusion"
    assert block["panel_models"] == ["a/x", "b/y"]
    assert block["panel_succeeded"] == 2
    assert block["degraded"] == []
    assert {entry["role"] for entry in block["cost_breakdown"]} == {"panel", "judge", "synth"}
    assert body["usage"]["cost"] == block["cost_usd"] > 0
    assert response.headers["x-fusion-cost-usd"] == f"{block['cost_usd']:.6f}"
    assert set(block["timing_s"]) >= {"panel", "judge", "synth", "total"}


async def test_streams_the_writers_text() -> None:
    async with stand() as at:
        events = await at.stream()
    assert events[-1] == "[DONE]"
    assert text_of(events) == "The written answer."
    first, last = events[0], events[-2]
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert last["choices"][0] == {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    assert last["fusion"]["panel_succeeded"] == 2
    assert len({(e["id"], e["created"], e["model"]) for e in events[:-1]}) == 1
    assert all("usage" not in e for e in events[:-1])


async def test_usage_comes_on_its_own_chunk() -> None:
    async with stand() as at:
        events = await at.stream(stream_options={"include_usage": True})
    *others, last = events[:-1]
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] > 0
    assert all(e["usage"] is None for e in others)


async def test_several_choices_from_one_panel() -> None:
    async with stand() as at:
        _, body = await at.ask(n=3)
        events = await at.stream(n=3)
        asked = [request.body["model"] for request in at.upstream.received]
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    assert [text_of(events, i) for i in range(3)] == ["The written answer."] * 3
    assert asked.count("w/w") == 6
    assert asked.count("a/x") == 2
