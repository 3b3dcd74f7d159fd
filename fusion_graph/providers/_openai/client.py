"""The HTTP side of the openai provider: calls to one backend. What the bytes mean stands in `_wire/`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import aiohttp

from fusion_graph.contracts import Backend, Sink
from fusion_graph.errors import Permanent, ProviderError
from fusion_graph.messages import WHOLE, Call, Completion
from fusion_graph.providers._openai.errors import FOREIGN, before_answer, within_answer
from fusion_graph.providers._openai.line import Answer, Take
from fusion_graph.providers._openai.pool import Pool
from fusion_graph.providers._wire.body import Dialect, write_body
from fusion_graph.providers._wire.faults import error_of_status, read_error
from fusion_graph.providers._wire.reply import read_whole
from fusion_graph.providers._wire.stream import StreamReader

MAX_BODY_BYTES = 32 << 20

_MAX_ERROR_BYTES = 64 << 10
_ERROR_BODY_S = 2.0  # an upstream that fails may also be slow to say why
_AFTER_FINISH_S = 5.0  # how long counts of tokens may come after the text
_AFTER_DONE_S = 0.25  # how long the end of the body may come after [DONE], before the connection is given up
_LOGGED_CHARS = 200

_log = logging.getLogger("fusion_graph.providers.openai")


class OpenAIClient:
    """An open backend. Must be made inside the event loop."""

    def __init__(self, backend: Backend, *, now: Callable[[], float] = time.time) -> None:
        self._dialect = Dialect.of(backend.options, backend.base_url)
        self._key = backend.api_key
        self._now = now
        headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json",
            "Accept-Encoding": "identity",
        }
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        self._pool = Pool(backend.base_url.rstrip("/") + "/chat/completions", headers, now)

    async def complete(self, call: Call, sink: Sink) -> Completion:
        stream = _Stream(call, sink)
        try:
            answer = await self._pool.post(write_body(call, self._dialect), stream.begin)
        except FOREIGN as error:
            failure = before_answer(error)
        else:
            try:
                answer.check()
                return await (stream.end(answer) if stream.begun else self._read(answer, call, sink))
            except FOREIGN as error:
                failure = within_answer(error.with_traceback(None))  # its body keeps it, and its frames the body
            finally:
                self._pool.end(answer)
        raise failure  # here, where the foreign error is forgotten: it holds the request's headers, and so the key

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def _read(self, answer: Answer, call: Call, sink: Sink) -> Completion:
        """An answer that is no stream."""
        if not _is_good(answer):
            raise await self._failure(answer)
        media = _media(answer)
        body = await _read_body(answer, MAX_BODY_BYTES)
        if media and media != "application/json" and not media.endswith("+json") and body.strip():
            self._log_body(answer.status, body)
            what = "a web page" if media == "text/html" else "something else than JSON"
            raise Permanent("wrong_content_type", f"the upstream answered with {what}; is the base URL right?")
        reader = read_whole(body, call)
        delta = reader.drain()
        completion = reader.completion()
        if delta is not None:
            sink(delta)
        return completion

    async def _failure(self, answer: Answer) -> ProviderError:
        """The error behind a status, with what the body says of it if that comes soon."""
        body = b""
        try:
            async with asyncio.timeout(_ERROR_BODY_S):
                body = await _read_body(answer, _MAX_ERROR_BYTES)
        except (*FOREIGN, ProviderError):  # the status alone says enough
            pass
        self._log_body(answer.status, body)
        return error_of_status(answer.status, error=read_error(body), headers=answer.headers, now=self._now())

    def _log_body(self, status: int, body: bytes) -> None:
        if _log.isEnabledFor(logging.DEBUG):
            text = body.decode(errors="replace")
            text = text.replace(self._key, "[key]") if self._key else text
            _log.debug("status %d: %s", status, text[:_LOGGED_CHARS].encode("unicode_escape").decode())


class _Stream:
    """The streamed answer to one call. Whatever comes goes to the sink at once, in the callback of the socket."""

    __slots__ = ("_reader", "_received", "_sink", "begun")

    def __init__(self, call: Call, sink: Sink) -> None:
        self._reader = StreamReader(call)
        self._sink = sink
        self._received = 0
        self.begun = False

    def begin(self, answer: Answer) -> Take | None:
        self.begun = _is_good(answer) and _media(answer) == "text/event-stream"
        return self._take if self.begun else None

    def _take(self, chunk: bytes) -> bool:
        self._received += len(chunk)
        if self._received > MAX_BODY_BYTES:
            raise _too_large(MAX_BODY_BYTES)
        delta = self._reader.feed(chunk)
        if delta is not None:
            self._sink(delta)
        return self._reader.finished

    async def end(self, answer: Answer) -> Completion:
        if self._reader.finished and not answer.body.at_eof():
            await _read_tail(answer.body, self._reader, self._sink)
        return self._reader.completion()


def _is_good(answer: Answer) -> bool:
    return 200 <= answer.status <= 299


def _media(answer: Answer) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()


async def _read_tail(content: aiohttp.StreamReader, reader: StreamReader, sink: Sink) -> None:
    """Read on to the token counts, then to the end of the body, so that the connection can be used again. The text is
    whole by now: what breaks here loses the connection only."""
    try:
        if not reader.ended:
            sink(WHOLE)
            async with asyncio.timeout(_AFTER_FINISH_S):
                while chunk := await content.readany():
                    if (delta := reader.feed(chunk)) is not None:
                        sink(delta)
                    if reader.ended:
                        break
        if reader.clean:
            async with asyncio.timeout(_AFTER_DONE_S):
                while chunk := await content.readany():
                    reader.feed(chunk)
                    if not reader.clean:
                        break
    except FOREIGN:
        return


async def _read_body(answer: Answer, most: int) -> bytes:
    """The whole body, decompressed; never more than `most` bytes of it. Raises Permanent `body_too_large`."""
    if int(answer.headers.get("Content-Length", 0)) > most:
        raise _too_large(most)
    parts, received = [], 0
    while chunk := await answer.body.readany():
        received += len(chunk)
        if received > most:
            raise _too_large(most)
        parts.append(chunk)
    return b"".join(parts)


def _too_large(most: int) -> Permanent:
    return Permanent("body_too_large", f"the upstream's answer is larger than {most} bytes")
