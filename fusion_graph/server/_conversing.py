"""What every endpoint that answers a conversation does, whatever its wire: body, request, job, run, answer."""

from __future__ import annotations

import asyncio
import hashlib
import json

from aiohttp import web

from fusion_graph.engine.estimates import prompt_tokens
from fusion_graph.engine.run import labels
from fusion_graph.jsontext import write_json
from fusion_graph.server._asked import Asked
from fusion_graph.server._errors import RETRY_S, Refused
from fusion_graph.server._guards import read_body
from fusion_graph.server._job import Job, make_job
from fusion_graph.server._options import SCOPES
from fusion_graph.server._report import fusion_block
from fusion_graph.server._running import open_stream, run_streamed, run_whole
from fusion_graph.server._service import Exchange
from fusion_graph.server._sharing import Channel
from fusion_graph.server._speech import Head, Speaks, Speech, Wire


async def converse(exchange: Exchange, wire: Wire) -> web.StreamResponse:
    """The answer, whole or streamed. Raises Refused while there is none."""
    service = exchange.service
    await service.limits.count(exchange.key)
    body = await read_body(exchange.request, service.options)
    asked, speaks = wire.read(body, service.options.max_n)
    if asked.ignored:
        service.note_ignored(exchange.key, asked.ignored)
    talk = _Talk(exchange, wire, asked, speaks)

    def digest() -> str:
        return hashlib.sha256(json.dumps([wire.name, body], sort_keys=True).encode()).hexdigest()

    just_now = service.replays.failure(exchange.key.name, digest)
    if just_now is not None:
        raise just_now
    same = exchange.request.headers.get("Idempotency-Key")
    try:
        if asked.stream:
            response = await talk.stream() if same is None else await talk.share(same, digest())
            if exchange.failed is not None:
                _remember(exchange, wire, digest(), exchange.failed)
            return response
        if same is None:
            answer, headers = await talk.complete()
        else:
            answer, headers = await service.sharing.whole(exchange.key.name, same, digest(), talk.complete)
    except Refused as refused:
        _remember(exchange, wire, digest(), refused)
        raise
    return web.Response(body=answer, headers=headers)


def _remember(exchange: Exchange, wire: Wire, digest: str, refused: Refused) -> None:
    """What failed for good is not run again for a while. What failed otherwise neither, by clients that do not wait as
    long as they were told: one failed run must not become thirty."""
    replays, key = exchange.service.replays, exchange.key.name
    if refused.lasting:
        replays.remember_failure(key, digest, refused)
    elif wire.insistent and refused.fusion is not None:
        replays.remember_failure(key, digest, refused, refused.retry_after_s or RETRY_S)


class _Talk:
    """One request that was read, on its way to an answer."""

    def __init__(self, exchange: Exchange, wire: Wire, asked: Asked, speaks: Speaks) -> None:
        self._exchange = exchange
        self._wire = wire
        self._asked = asked
        self._speaks = speaks

    async def stream(self) -> web.StreamResponse:
        job, speech = self._begin()
        stream = open_stream(self._exchange)
        await run_streamed(self._exchange, job, speech, stream)
        return stream.response

    async def share(self, same: str, digest: str) -> web.StreamResponse:
        """As one of the clients of a streamed run that is nobody's own."""
        exchange = self._exchange

        async def make(channel: Channel) -> None:
            job, speech = self._begin()
            channel.run_id = exchange.run_id
            await run_streamed(exchange, job, speech, channel)

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

    async def complete(self) -> tuple[bytes, dict[str, str]]:
        """The body of a whole answer, and the headers that tell of its run."""
        job, speech = self._begin()
        result = await run_whole(self._exchange, job)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "x-fusion-run-id": result.run_id,
            "x-fusion-latency-s": f"{result.timing_s['total']:.3f}",
        }
        if result.cost_usd is not None:
            headers["x-fusion-cost-usd"] = f"{result.cost_usd:.6f}"
        return write_json(speech.whole(result, fusion_block(job, result))), headers

    def _begin(self) -> tuple[Job, Speech]:
        exchange, wire = self._exchange, self._wire
        job = make_job(exchange, self._asked)
        exchange.told |= {"model": job.served.id, "run_id": exchange.run_id, "stream": self._asked.stream}
        shown = job.asked.shows and exchange.key.traces and job.mode == "full"
        head = Head(
            run_id=exchange.run_id,
            model=job.called,
            created=int(exchange.service.clock()),
            request_id=exchange.id,
            prompt_tokens=prompt_tokens(job.asked.messages) if wire.counts_first else 0,
            final=exchange.service.options.usage_scope.get(wire.name, SCOPES[wire.name]) == "final",
            roles=job.roles if shown else {},
            labels=labels(job.bound, job.request) if shown else {},
        )
        return job, self._speaks(head)
