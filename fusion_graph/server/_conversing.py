"""What every endpoint that answers a conversation does, whatever its wire: body, request, job, run, answer."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from fusion_graph.engine.estimates import prompt_tokens
from fusion_graph.engine.run import labels
from fusion_graph.jsontext import write_json
from fusion_graph.server._answer import JSON, Answer
from fusion_graph.server._errors import Refused, internal
from fusion_graph.server._guards import read_body
from fusion_graph.server._job import Job, make_job
from fusion_graph.server._options import SCOPES
from fusion_graph.server._running import open_stream, run_streamed, run_whole
from fusion_graph.server._service import Exchange
from fusion_graph.server._sharing import Channel
from fusion_graph.server._wires.asked import Asked
from fusion_graph.server._wires.speech import Head, Speaks, Speech, Wire


async def converse(exchange: Exchange, wire: Wire) -> Answer:
    """The answer, whole or streamed. Raises Refused while there is none."""
    service = exchange.service
    await service.limits.count(exchange.key)
    body = await read_body(exchange.request, service.options)
    asked, speaks = wire.read(body, service.options.max_n)
    if asked.ignored:
        service.note_ignored(exchange.key, asked.ignored)
    talk = _Talk(exchange, wire, body, asked, speaks)
    failures, tenant = service.failures, exchange.key.name
    exchange.insistent = wire.insistent
    if failures:
        just_now = failures.just_now(tenant, talk.repeated)
        if just_now is not None:
            raise just_now
        exchange.tries = failures.tries(tenant, talk.repeated)
    try:
        response = await talk.answer()
    except Refused as refused:
        exchange.failed = refused
        raise
    except (asyncio.CancelledError, ConnectionError):
        raise
    except Exception:
        exchange.failed = internal()
        raise
    finally:
        failed = exchange.failed
        if failed is not None and _comes_back(failed, insistent=wire.insistent):
            failures.remember(tenant, talk.repeated(), failed)
    if failures and exchange.failed is None:
        failures.forget(tenant, talk.repeated)
    return response


def _digest(wire: Wire, body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([wire.name, body], sort_keys=True).encode()).hexdigest()


def _comes_back(failed: Refused, *, insistent: bool) -> bool:
    """Would its client send the same again though a run of it has just failed? A person who does so may have it run."""
    if failed.lasting:
        return True
    ran = failed.fusion is not None or failed.http_status == 500
    return ran and (insistent or (failed.http_status == 429 and failed.retry))


class _Talk:
    """One request that was read, on its way to an answer."""

    __slots__ = ("_asked", "_body", "_exchange", "_repeated", "_speaks", "_wire")

    def __init__(self, exchange: Exchange, wire: Wire, body: Mapping[str, Any], asked: Asked, speaks: Speaks) -> None:
        self._exchange = exchange
        self._wire = wire
        self._body = body
        self._asked = asked
        self._speaks = speaks
        self._repeated = ""

    def repeated(self) -> str:
        """The digest of what a client says again when it tries again, streamed or not."""
        if not self._repeated:
            said = {name: value for name, value in self._body.items() if name != "stream"}
            self._repeated = _digest(self._wire, said)
        return self._repeated

    async def answer(self) -> Answer:
        """Alone, or together with whoever asks under the same `Idempotency-Key`."""
        exchange = self._exchange
        same = exchange.request.headers.get("Idempotency-Key")
        if self._asked.stream:
            return await (self._stream() if same is None else self._share(same))
        if same is None:
            answer, lines, run_id = await self._complete()
        else:
            digest = _digest(self._wire, self._body)
            sharing = exchange.service.sharing
            answer, lines, run_id = await sharing.whole(exchange.key.name, same, digest, self._complete)
        exchange.run_id = run_id
        return Answer(answer, lines)

    async def _stream(self) -> Answer:
        job, speech = self._begin()
        stream = open_stream(self._exchange)
        await run_streamed(self._exchange, job, speech, stream)
        return stream.answer

    async def _share(self, same: str) -> Answer:
        """As one of the clients of a streamed run that is nobody's own."""
        exchange, digest = self._exchange, _digest(self._wire, self._body)

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
                if channel.whole:
                    await stream.finish(b"")
            finally:
                stream.end()
            if channel.whole:
                channel.received()
                await asyncio.wait([run])  # it books what was delivered
            else:
                stream.answer.stays = False
            return stream.answer

    async def _complete(self) -> tuple[bytes, str, str]:
        """The body of a whole answer, the lines of its head that tell of its run, and the run's id."""
        job, speech = self._begin()
        result, said = await run_whole(self._exchange, job, speech)
        tally = result.tally
        lines = f"{JSON}x-fusion-latency-s: {tally.total_s:.3f}\r\n"
        if tally.cost_usd is not None:
            lines += f"x-fusion-cost-usd: {tally.cost_usd:.6f}\r\n"
        return write_json(said), lines, result.run_id

    def _begin(self) -> tuple[Job, Speech]:
        exchange, wire, told = self._exchange, self._wire, self._exchange.told
        job = make_job(exchange, self._asked)
        told["model"], told["run_id"], told["stream"] = job.served.id, exchange.run_id, job.request.stream
        created = int(exchange.service.clock())
        counted = prompt_tokens(job.asked.messages) if wire.counts_first else 0
        final = exchange.service.options.usage_scope.get(wire.name, SCOPES[wire.name]) == "final"
        head = Head(exchange.run_id, job.called, created, exchange.id, counted, final)
        if job.asked.shows and exchange.key.traces and job.mode == "full":
            head = head._replace(roles=job.roles, labels=labels(job.bound, job.request))
        return job, self._speaks(head)
