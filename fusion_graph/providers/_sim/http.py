"""Between HTTP and the sim: a request body as a call, a reply as server-sent events or JSON."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from fusion_graph.errors import ProviderError
from fusion_graph.messages import Call, Completion, Delta, Message, Sampling, ToolCall, Usage
from fusion_graph.providers.sim import SimClient


def read_call(body: Mapping[str, Any]) -> Call:
    """A chat request as a call. Raises KeyError, TypeError or AttributeError if it is none."""
    return Call(
        model=str(body["model"]),
        messages=tuple(_message(entry) for entry in body["messages"]),
        sampling=Sampling(
            max_tokens=body.get("max_tokens") or body.get("max_completion_tokens"),
            seed=body.get("seed"),
            stop_sequences=tuple(body.get("stop") or ()),
            response_format=body.get("response_format"),
            tools=tuple(body.get("tools") or ()),
        ),
    )


def _message(entry: Mapping[str, Any]) -> Message:
    content = entry.get("content")
    calls = tuple(
        ToolCall(id=call["id"], name=call["function"]["name"], arguments=call["function"]["arguments"])
        for call in entry.get("tool_calls") or ()
    )
    return Message(entry["role"], content if isinstance(content, str) else tuple(content or ()), calls)


class ReplyWriter:
    """Writes one reply of the sim, streamed if the request asks for it."""

    def __init__(self, request: web.Request, body: Mapping[str, Any], cost: Callable[[Usage], float | None]) -> None:
        self._request = request
        self._streams = bool(body.get("stream"))
        self._counts = bool((body.get("stream_options") or {}).get("include_usage"))
        self._logprobs = bool(body.get("logprobs"))
        self._cost = cost
        self._head = {"id": "sim", "created": 0, "model": str(body["model"]), "simulated": True}
        self._response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})

    async def write(self, sim: SimClient, call: Call) -> web.StreamResponse:
        """Ask the sim and pass on what it says. An error before the first content has a status; after it, it is an
        event and the stream breaks off."""
        try:
            if self._streams:
                return await self._stream(sim, call)
            return web.json_response(self._whole(await sim.complete(call, lambda _delta: None)))
        except ProviderError as error:
            said = {"error": {"message": "simulated", "type": error.reason, "code": error.status or error.reason}}
            if self._response.prepared:
                await self._send(said)
                return self._response
            wait = {} if error.retry_after_s is None else {"Retry-After": f"{error.retry_after_s:g}"}
            return web.json_response(said, status=error.status or 503, headers=wait)

    async def _stream(self, sim: SimClient, call: Call) -> web.StreamResponse:
        fresh: asyncio.Queue[Delta | None] = asyncio.Queue()
        answering = asyncio.ensure_future(sim.complete(call, fresh.put_nowait))
        answering.add_done_callback(lambda _done: fresh.put_nowait(None))
        try:
            while (delta := await fresh.get()) is not None:
                await self._send_delta(delta, fresh)
            completion = await answering
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)  # what it failed with is nobody's when we go
        if completion.refusal:
            await self._send(self._chunk({"refusal": completion.refusal}))
        await self._send(self._chunk({}, completion.finish_reason, completion.stop_sequence))
        if self._counts and completion.usage:
            await self._send(self._chunk(None, None, usage=self._usage(completion.usage)))
        await self._response.write(b"data: [DONE]\n\n")
        return self._response

    async def _send_delta(self, delta: Delta, fresh: asyncio.Queue[Delta | None]) -> None:
        """One event a delta, and one write for all that are there."""
        if not self._response.prepared:
            await self._send(self._chunk({"role": "assistant", "content": ""}))
        events = [_sse(self._chunk(_delta(delta)))]
        while not fresh.empty():
            following = fresh.get_nowait()
            if following is None:
                fresh.put_nowait(None)
                break
            events.append(_sse(self._chunk(_delta(following))))
        await self._response.write(b"".join(events))

    async def _send(self, value: Mapping[str, Any]) -> None:
        if not self._response.prepared:
            await self._response.prepare(self._request)
        await self._response.write(_sse(value))

    def _chunk(
        self, delta: Mapping[str, Any] | None, finish: str | None = None, stop: str = "", **more: Any
    ) -> dict[str, Any]:
        choices: list[dict[str, Any]] = []
        if delta is not None:
            choices = [{"index": 0, "delta": delta, "finish_reason": finish, "stop_reason": stop or None}]
            if self._logprobs and delta.get("content"):
                choices[0]["logprobs"] = _made_up(delta["content"])
        return {**self._head, "object": "chat.completion.chunk", "choices": choices, **more}

    def _whole(self, completion: Completion) -> dict[str, Any]:
        message: dict[str, Any] = {
            "role": "assistant",
            "content": completion.text or None,
            "refusal": completion.refusal,
        }
        if completion.tool_calls:
            message["tool_calls"] = [
                {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
                for c in completion.tool_calls
            ]
        logprobs = _made_up(completion.text) if self._logprobs else None
        ended = {"finish_reason": completion.finish_reason, "stop_reason": completion.stop_sequence or None}
        choice = {"index": 0, "message": message, **ended, "logprobs": logprobs}
        usage = self._usage(completion.usage) if completion.usage else None
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": usage}

    def _usage(self, usage: Usage) -> dict[str, Any]:
        counted: dict[str, Any] = {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
            "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        }
        cost = self._cost(usage) if usage.cost_usd is None else usage.cost_usd
        return counted if cost is None else {**counted, "cost": cost}


def _made_up(text: str) -> dict[str, Any]:
    """Simulated: each word is a token, and the longer the less likely."""
    tokens = re.findall(r"\s*\S+|\s+", text)
    entries = [
        {"token": token, "logprob": -len(token) / 10, "bytes": list(token.encode()), "top_logprobs": []}
        for token in tokens
    ]
    return {"content": entries, "refusal": None}


def _delta(delta: Delta) -> dict[str, Any]:
    written: dict[str, Any] = {}
    if delta.text:
        written["content"] = delta.text
    if delta.reasoning:
        written["reasoning"] = delta.reasoning
    if delta.tool_calls:
        written["tool_calls"] = [_call_piece(piece) for piece in delta.tool_calls]
    return written


def _call_piece(piece: Any) -> dict[str, Any]:
    function = {"arguments": piece.arguments} | ({"name": piece.name} if piece.name else {})
    named = {"id": piece.id, "type": "function"} if piece.id else {}
    return {"index": piece.index, **named, "function": function}


def _sse(value: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"
