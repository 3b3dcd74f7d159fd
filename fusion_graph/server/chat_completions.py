"""POST /v1/chat/completions: a pipeline answers a conversation, whole or streamed."""

from __future__ import annotations

import asyncio
import hashlib
import json

from aiohttp import web

from fusion_graph.contracts import Route
from fusion_graph.server._answer import Chunks, completion
from fusion_graph.server._errors import Refused
from fusion_graph.server._guards import read_json
from fusion_graph.server._job import Job, make_job
from fusion_graph.server._report import fusion_block, usage_told
from fusion_graph.server._running import open_stream, run_streamed, run_whole
from fusion_graph.server._service import Exchange
from fusion_graph.server._sharing import Channel
from fusion_graph.server._wire import ChatRequest, read_chat


async def answer(exchange: Exchange) -> web.StreamResponse:
    service = exchange.service
    await service.limits.count(exchange.key)
    body = await read_json(exchange.request, service.options)
    chat = read_chat(body, max_n=service.options.max_n)
    if chat.ignored:
        service.note_ignored(exchange.key, chat.ignored)

    def digest() -> str:
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()

    just_now = service.replays.failure(exchange.key.name, digest)
    if just_now is not None:
        raise just_now
    same = exchange.request.headers.get("Idempotency-Key")
    try:
        if chat.stream:
            return await _stream(exchange, chat) if same is None else await _share(exchange, chat, same, digest())
        if same is None:
            text, headers = await _complete(exchange, chat)
        else:
            text, headers = await service.sharing.whole(
                exchange.key.name, same, digest(), lambda: _complete(exchange, chat)
            )
    except Refused as refused:
        if refused.lasting:
            service.replays.remember_failure(exchange.key.name, digest(), refused)
        raise
    return web.Response(body=text.encode("ascii"), headers=headers)


def _job(exchange: Exchange, chat: ChatRequest) -> tuple[Job, Chunks]:
    job, created = make_job(exchange, chat), int(exchange.service.clock())
    exchange.told |= {"model": job.served.id, "run_id": exchange.run_id, "stream": chat.stream}
    return job, Chunks(chat.model, created, exchange.run_id, include_usage=chat.include_usage, n=chat.n)


async def _stream(exchange: Exchange, chat: ChatRequest) -> web.StreamResponse:
    job, chunks = _job(exchange, chat)
    stream = open_stream(exchange)
    await run_streamed(exchange, job, chunks, stream)
    return stream.response


async def _share(exchange: Exchange, chat: ChatRequest, same: str, digest: str) -> web.StreamResponse:
    """One of the clients of a streamed run that is nobody's own."""

    async def make(channel: Channel) -> None:
        job, chunks = _job(exchange, chat)
        channel.run_id = exchange.run_id
        await run_streamed(exchange, job, chunks, channel)

    with (
        exchange.service.sharing.streamed(exchange.key.name, same, digest, make) as (channel, run),
        channel.reading() as outbox,
    ):
        await channel.begun(run)
        exchange.run_id = channel.run_id
        stream = open_stream(exchange, outbox)
        try:
            await stream.begin()
            await stream.relay()
        finally:
            stream.end()
        if channel.whole:
            channel.received()
            await asyncio.wait([run])  # it books what was delivered
        else:
            stream.response.force_close()
        return stream.response


async def _complete(exchange: Exchange, chat: ChatRequest) -> tuple[str, dict[str, str]]:
    """The body of a whole answer, and the headers that tell of its run."""
    job, _ = _job(exchange, chat)
    created = int(exchange.service.clock())
    result = await run_whole(exchange, job)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "x-fusion-run-id": result.run_id,
        "x-fusion-latency-s": f"{result.timing_s['total']:.3f}",
    }
    if result.cost_usd is not None:
        headers["x-fusion-cost-usd"] = f"{result.cost_usd:.6f}"
    counted = usage_told(result, exchange.service.options.usage_scope["chat_completions"])
    return json.dumps(completion(chat.model, created, result, fusion_block(job, result), counted)), headers


ROUTE = Route(method="POST", path="/v1/chat/completions", handler=answer)
