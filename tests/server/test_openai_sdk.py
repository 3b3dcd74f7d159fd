"""The official Python SDK against the real server over a socket: what most clients are made of."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from fusion_graph.providers.sim import Script
from fusion_graph.server._auth import Key, digest_of
from tests.server.stand import ONE, Stand, stand

openai = pytest.importorskip("openai")

RAW = "k" * 20
KEYS = [Key(name="alice", digest=digest_of(RAW), traces=True)]
ASKED: dict[str, Any] = {"model": "fusion", "messages": [{"role": "user", "content": "Why?"}]}
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
PERSON = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
FORM = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}


def client(at: Stand, key: str = RAW, **more: Any) -> Any:
    return openai.AsyncOpenAI(base_url=at.url("/v1"), api_key=key, **more)


async def test_whole_and_streamed() -> None:
    async with stand(keys=KEYS) as at, client(at) as sdk:
        answer = await sdk.chat.completions.create(**ASKED)
        stream = await sdk.chat.completions.create(**ASKED, stream=True, stream_options={"include_usage": True})
        chunks = [chunk async for chunk in stream]
    assert answer.choices[0].message.content == "The written answer."
    assert answer.fusion["panel_succeeded"] == 2
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "The written answer."
    assert chunks[-1].usage.total_tokens == answer.usage.total_tokens
    assert chunks[-2].choices[0].finish_reason == "stop"


async def test_the_synchronous_client() -> None:
    def ask(url: str) -> tuple[str, str]:
        with openai.OpenAI(base_url=url, api_key=RAW) as sdk:
            answer = sdk.chat.completions.create(**ASKED)
            pieces = sdk.chat.completions.create(**ASKED, stream=True)
            streamed = "".join(c.choices[0].delta.content or "" for c in pieces)
        return answer.choices[0].message.content, streamed

    async with stand(keys=KEYS) as at:
        assert await asyncio.to_thread(ask, at.url("/v1")) == ("The written answer.",) * 2


async def test_stream_helper_puts_it_together() -> None:
    async with stand(keys=KEYS) as at, client(at) as sdk, sdk.chat.completions.stream(**ASKED) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_completion()
    assert "content.delta" in kinds
    assert final.choices[0].message.content == "The written answer."


async def test_tools_there_and_back() -> None:
    async with stand(None, ONE, keys=KEYS) as at, client(at) as sdk:
        at.upstream.faults["w/w"].extend(["tools", "tools"])
        asked = {**ASKED, "model": "one", "tools": [TOOL]}
        first = await sdk.chat.completions.create(**asked)
        async with sdk.chat.completions.stream(**asked) as stream:
            streamed = await stream.get_final_completion()
        message = first.choices[0].message
        (call,) = message.tool_calls
        turn = [*ASKED["messages"], message, {"role": "tool", "tool_call_id": call.id, "content": "because"}]
        last = await sdk.chat.completions.create(**{**asked, "messages": turn})
        assert at.upstream.received[-1].body["messages"][1]["tool_calls"][0]["id"] == call.id
    assert json.loads(call.function.arguments) == {"q": "x"}
    assert streamed.choices[0].message.tool_calls[0].function.arguments == call.function.arguments
    assert last.choices[0].message.content == "The written answer."


async def test_response_format_is_kept() -> None:
    script: Script = {"w/w": ["no json", '{"name": "Ann"}'], "a/x": '{"name": "A"}', "b/y": '{"name": "B"}'}
    async with stand(script, keys=KEYS) as at, client(at) as sdk:
        answer = await sdk.chat.completions.create(**ASKED, response_format=FORM)
        sent = {request.body["model"]: request.body for request in at.upstream.received}
    assert json.loads(answer.choices[0].message.content)["name"] in ("Ann", "A", "B")
    assert sent["w/w"]["response_format"] == FORM
    assert "response_format" not in sent["a/x"]


async def test_format_that_cannot_be_had_is_502() -> None:
    async with stand({"w/w": "no json"}, ONE, keys=KEYS) as at, client(at, max_retries=0) as sdk:
        with pytest.raises(openai.InternalServerError) as failed:
            await sdk.chat.completions.create(**{**ASKED, "model": "one"}, response_format=FORM)
    assert failed.value.status_code == 502


async def test_errors_have_their_classes() -> None:
    async with stand(keys=KEYS) as at, client(at) as sdk:
        with pytest.raises(openai.NotFoundError) as missing:
            await sdk.chat.completions.create(**{**ASKED, "model": "none"})
        with pytest.raises(openai.BadRequestError) as wrong:
            await sdk.chat.completions.create(**ASKED, temperature=9)
        async with client(at, key="wrong" * 5) as stranger:
            with pytest.raises(openai.AuthenticationError):
                await stranger.chat.completions.create(**ASKED)
    assert missing.value.code == "model_not_found"
    assert wrong.value.param == "temperature"


@pytest.mark.parametrize("stream", [False, True])
async def test_failed_run_is_bought_once(stream: bool) -> None:
    # wire 1.7: the SDK sends a 502 again, twice, unless it is told not to
    async with stand(None, ONE, keys=KEYS) as at, client(at) as sdk:
        at.upstream.faults["w/w"].extend(["500"] * 9)
        with pytest.raises(openai.InternalServerError):
            await sdk.chat.completions.create(**{**ASKED, "model": "one"}, stream=stream)
        assert len(at.upstream.received) == 1


async def test_broken_stream_raises() -> None:
    async with stand(None, ONE, keys=KEYS) as at, client(at) as sdk:
        at.upstream.faults["w/w"].append("cut")
        stream = await sdk.chat.completions.create(**{**ASKED, "model": "one"}, stream=True)
        with pytest.raises(openai.APIError, match="no node gave"):
            [chunk async for chunk in stream]


async def test_raw_headers_are_there() -> None:
    async with stand(keys=KEYS) as at, client(at) as sdk:
        raw = await sdk.chat.completions.with_raw_response.create(**ASKED)
        answer = raw.parse()
        models = await sdk.models.list()
        one = await sdk.models.retrieve("a/x")
    assert raw.headers["x-fusion-cost-usd"]
    assert raw.request_id.startswith("req_")
    assert answer.id.removeprefix("chatcmpl-") == raw.headers["x-fusion-run-id"]
    assert "fusion" in [model.id for model in models.data]
    assert one.id == "a/x"


async def test_many_choices() -> None:
    async with stand(keys=KEYS) as at, client(at) as sdk:
        answer = await sdk.chat.completions.create(**ASKED, n=2)
    assert [choice.index for choice in answer.choices] == [0, 1]


async def test_logprobs_add_up_in_a_stream() -> None:
    async with stand(keys=KEYS) as at, client(at) as sdk:
        whole = await sdk.chat.completions.create(**ASKED, logprobs=True, top_logprobs=1)
        async with sdk.chat.completions.stream(**ASKED, logprobs=True) as stream:
            final = await stream.get_final_completion()
    for answer in (whole, final):
        tokens = [entry.token for entry in answer.choices[0].logprobs.content]
        assert "".join(tokens) == answer.choices[0].message.content == "The written answer."


async def test_wrong_schema_is_a_bad_request() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "strang"}}}
    async with stand(keys=KEYS) as at, client(at) as sdk:
        with pytest.raises(openai.BadRequestError) as wrong:
            await sdk.chat.completions.create(**ASKED, response_format=form)
        assert at.upstream.received == []
    assert wrong.value.param == "response_format.json_schema.schema.type"


async def test_two_tries_with_one_idempotency_key_are_one_run() -> None:
    gate = asyncio.Event()
    async with stand({"w/w": ("Hel", gate, "lo")}, ONE, keys=KEYS) as at, client(at) as sdk:

        async def ask() -> str:
            asked = {**ASKED, "model": "one", "stream": True, "extra_headers": {"Idempotency-Key": "k"}}
            pieces = await sdk.chat.completions.create(**asked)
            return "".join([c.choices[0].delta.content or "" async for c in pieces])

        both = [asyncio.create_task(ask()) for _ in range(2)]
        await at.upstream.sim.called("w/w")
        while at.server.service.sharing.clients < 2:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.005)
        gate.set()
        assert await asyncio.gather(*both) == ["Hello", "Hello"]
        assert len(at.upstream.received) == 1
