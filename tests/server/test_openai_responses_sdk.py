"""The official Python SDK's Responses API against the real server over a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server.stand import ONE, Stand, stand

openai = pytest.importorskip("openai")

ASKED: dict[str, Any] = {"model": "fusion", "input": "Why?"}
TOOL = {"type": "function", "name": "look_up", "parameters": {"type": "object", "properties": {}}, "strict": False}


def client(at: Stand, **more: Any) -> Any:
    return openai.AsyncOpenAI(base_url=at.url("/v1"), api_key="any", **more)


async def test_whole_and_streamed() -> None:
    async with stand() as at, client(at) as sdk:
        answer = await sdk.responses.create(**ASKED)
        async with sdk.responses.stream(**ASKED) as stream:
            kinds = [event.type async for event in stream]
            final = await stream.get_final_response()
    assert answer.output_text == final.output_text == "The written answer."
    assert (answer.status, final.status) == ("completed", "completed")
    assert "response.output_text.delta" in kinds
    assert final.usage.total_tokens == answer.usage.total_tokens > 0


async def test_tools_there_and_back() -> None:
    async with stand(None, ONE) as at, client(at) as sdk:
        at.upstream.faults["w/w"].extend(["tools", "tools-same-index"])
        asked = {**ASKED, "model": "one", "tools": [TOOL]}
        first = await sdk.responses.create(**asked)
        async with sdk.responses.stream(**asked) as stream:
            async for _ in stream:
                pass
            streamed = await stream.get_final_response()
        (made,) = first.output
        result = {"type": "function_call_output", "call_id": made.call_id, "output": "because"}
        turn = [{"role": "user", "content": "Why?"}, made, result]
        last = await sdk.responses.create(**{**asked, "input": turn})
        sent = at.upstream.received[-1].body["messages"]
    assert json.loads(made.arguments) == {"q": "x"}
    assert [json.loads(item.arguments) for item in streamed.output] == [{"q": "x"}, {"q": "y"}]
    assert sent[1]["tool_calls"][0]["id"] == made.call_id == sent[2]["tool_call_id"]
    assert last.output_text == "The written answer."


async def test_the_fusion_passes_through_the_sdk() -> None:
    async with stand() as at, client(at) as sdk:
        stream = await sdk.responses.create(**ASKED, stream=True, tools=[{"type": "openrouter:fusion"}])
        kinds = [event.type async for event in stream]
    assert "response.fusion_call.panel.completed" in kinds
    assert kinds[-1] == "response.completed"


async def test_failed_run_is_bought_once() -> None:
    async with stand(None, ONE) as at, client(at) as sdk:
        at.upstream.faults["w/w"].extend(["500"] * 9)
        with pytest.raises(openai.InternalServerError):
            await sdk.responses.create(**{**ASKED, "model": "one"})
        assert len(at.upstream.received) == 1
        at.upstream.faults["w/w"].clear()
        at.upstream.faults["w/w"].append("404")
        with pytest.raises(openai.BadRequestError) as wrong:
            await sdk.responses.create(model="one", input="Why not?")
    assert wrong.value.code == "invalid_model"


async def test_what_is_kept_is_refused() -> None:
    async with stand() as at, client(at) as sdk:
        with pytest.raises(openai.BadRequestError) as wrong:
            await sdk.responses.create(**ASKED, previous_response_id="resp_1")
        with pytest.raises(openai.NotFoundError):
            await sdk.responses.retrieve("resp_1")
    assert wrong.value.param == "previous_response_id"
