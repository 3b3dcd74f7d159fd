"""The official Python SDK of the Messages API against the real server over a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fusion_graph.server._auth import Key, digest_of
from tests.server.stand import ONE, Stand, stand

anthropic = pytest.importorskip("anthropic")

RAW = "k" * 20
KEYS = [Key(name="alice", digest=digest_of(RAW), traces=True)]
ASKED: dict[str, Any] = {"model": "fusion", "max_tokens": 50, "messages": [{"role": "user", "content": "Why?"}]}
TOOL = {"name": "look_up", "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}}}


def client(at: Stand, **more: Any) -> Any:
    return anthropic.AsyncAnthropic(base_url=at.url(""), api_key=RAW, **more)


async def test_whole_and_streamed() -> None:
    async with stand(keys=KEYS) as at, client(at) as sdk:
        answer = await sdk.messages.create(**ASKED)
        async with sdk.messages.stream(**ASKED) as stream:
            said = [text async for text in stream.text_stream]
            final = await stream.get_final_message()
    assert answer.content[0].text == final.content[0].text == "".join(said) == "The written answer."
    assert (answer.stop_reason, final.stop_reason) == ("end_turn", "end_turn")
    assert answer.usage.output_tokens == final.usage.output_tokens > 0
    assert answer._request_id.startswith("req_")


async def test_tools_there_and_back() -> None:
    async with stand(None, ONE, keys=KEYS) as at, client(at) as sdk:
        at.upstream.faults["w/w"].extend(["tools", "tools-same-index"])
        asked = {**ASKED, "model": "one", "tools": [TOOL]}
        first = await sdk.messages.create(**asked)
        async with sdk.messages.stream(**asked) as stream:
            streamed = await stream.get_final_message()
        (use,) = first.content
        turn = [
            *ASKED["messages"],
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "because"}]},
        ]
        last = await sdk.messages.create(**{**asked, "messages": turn})
        sent = at.upstream.received[-1].body["messages"]
    assert first.stop_reason == streamed.stop_reason == "tool_use"
    assert use.input == {"q": "x"}
    assert [block.input for block in streamed.content] == [{"q": "x"}, {"q": "y"}]
    assert sent[1]["tool_calls"][0]["id"] == use.id == sent[2]["tool_call_id"]
    assert last.content[0].text == "The written answer."


async def test_tokens_are_counted() -> None:
    async with stand(keys=KEYS) as at, client(at) as sdk:
        asked = {name: value for name, value in ASKED.items() if name != "max_tokens"}
        assert (await sdk.messages.count_tokens(**asked)).input_tokens > 0


async def test_errors_have_their_classes() -> None:
    async with stand(keys=KEYS) as at, client(at) as sdk:
        with pytest.raises(anthropic.NotFoundError) as missing:
            await sdk.messages.create(**{**ASKED, "model": "none"})
        with pytest.raises(anthropic.BadRequestError, match="temperature"):
            await sdk.messages.create(**ASKED, extra_body={"temperature": 9})
        async with anthropic.AsyncAnthropic(base_url=at.url(""), api_key="w" * 20) as stranger:
            with pytest.raises(anthropic.AuthenticationError):
                await stranger.messages.create(**ASKED)
    assert missing.value.body["error"]["type"] == "not_found_error"
    assert missing.value.request_id.startswith("req_")


@pytest.mark.parametrize("stream", [False, True])
async def test_failed_run_is_bought_once(stream: bool) -> None:
    # wire 1.7: the SDK sends a 500 again, twice, unless it is told not to
    async with stand(None, ONE, keys=KEYS) as at, client(at) as sdk:
        at.upstream.faults["w/w"].extend(["500"] * 9)
        with pytest.raises(anthropic.InternalServerError):
            await sdk.messages.create(**{**ASKED, "model": "one"}, stream=stream)
        assert len(at.upstream.received) == 1


async def test_broken_stream_raises() -> None:
    async with stand(None, ONE, keys=KEYS) as at, client(at) as sdk:
        at.upstream.faults["w/w"].append("cut")
        with pytest.raises(anthropic.APIError, match="no node gave"):
            async with sdk.messages.stream(**{**ASKED, "model": "one"}) as stream:
                await stream.get_final_message()


async def test_an_object_of_the_clients_form() -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    async with stand({"w/w": '{"name": "Ann"}'}, ONE, keys=KEYS) as at, client(at) as sdk:
        form = {"format": {"type": "json_schema", "schema": schema}}
        answer = await sdk.messages.create(**{**ASKED, "model": "one"}, extra_body={"output_config": form})
        sent = at.upstream.received[-1].body["response_format"]
    assert json.loads(answer.content[0].text) == {"name": "Ann"}
    assert sent["json_schema"]["schema"] == schema
