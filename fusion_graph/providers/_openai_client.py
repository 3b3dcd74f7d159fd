"""The HTTP side of the openai provider: one pooled session for one backend. What the bytes mean stands in `_wire_*`.

The key goes into one header and to the backend's own origin: no redirects, cookies, proxies or netrc.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import aiohttp

from fusion_graph.contracts import DEPTH, DEPTH_HEADER, Backend, Sink
from fusion_graph.errors import Permanent, ProviderError
from fusion_graph.messages import Call, Completion
from fusion_graph.providers._openai_errors import FOREIGN, before_answer, is_disconnect, within_answer
from fusion_graph.providers._openai_pool import Pool, was_reused
from fusion_graph.providers._wire_body import Dialect, write_body
from fusion_graph.providers._wire_faults import error_of_status, read_error
from fusion_graph.providers._wire_reply import read_whole
from fusion_graph.providers._wire_stream import StreamReader

CONNECT_S = 10.0
MAX_BODY_BYTES = 32 << 20

_MAX_ERROR_BYTES = 64 << 10
_ERROR_BODY_S = 2.0  # an upstream that fails may also be slow to say why
_STALE_S = 1.0  # a resting connection that was closed shows at once; what breaks later may have been at work
_AFTER_FINISH_S = 5.0  # how long counts of tokens may come after the text
_AFTER_DONE_S = 0.25  # how long the end of the body may come after [DONE], before the connection is given up
_LOGGED_CHARS = 200

_log = logging.getLogger("fusion_graph.providers.openai")


class OpenAIClient:
    """An open backend. Must be made inside the event loop."""

    def __init__(self, backend: Backend, *, now: Callable[[], float] = time.time) -> None:
        self._url = backend.base_url.rstrip("/") + "/chat/completions"
        self._dialect = Dialect.of(backend.options, backend.base_url)
        self._key = backend.api_key
        self._now = now
        self._bodies: dict[asyncio.Future[None], aiohttp.StreamReader] = {}  # by the end of their connection
        headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json",
            "Accept-Encoding": "identity",
            DEPTH_HEADER: "1",
        }
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        self._session = aiohttp.ClientSession(
            connector=Pool(),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S),
            headers=headers,
            trust_env=False,
        )

    async def complete(self, call: Call, sink: Sink) -> Completion:
        """One attempt. A pooled connection that turns out to be closed is no attempt: the request goes out on the next
        one (llama.cpp closes each after a stream and does not say so)."""
        body = write_body(call, self._dialect)
        failure: ProviderError | None = None
        while failure is None:
            began = self._now()
            try:
                response = await self._session.post(self._url, data=body, headers=_deeper(), allow_redirects=False)
            except FOREIGN as error:
                if not (was_reused() and is_disconnect(error) and self._now() - began < _STALE_S):
                    failure = before_answer(error)
            else:
                try:
                    self._watch(response)
                    return await self._read(response, call, sink)
                except FOREIGN as error:
                    failure = within_answer(error)
                finally:
                    response.close()  # a connection whose answer was read to the end is back in the pool already
        raise failure  # here, where the foreign error is forgotten: it holds the request's headers, and so the key

    async def aclose(self) -> None:
        await self._session.close()

    async def _read(self, response: aiohttp.ClientResponse, call: Call, sink: Sink) -> Completion:
        if not 200 <= response.status <= 299:
            raise await self._failure(response)
        media = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media == "text/event-stream":
            return await _read_stream(response.content, call, sink)
        body = await _read_body(response, MAX_BODY_BYTES)
        if media and media != "application/json" and not media.endswith("+json") and body.strip():
            self._log_body(response.status, body)
            what = "a web page" if media == "text/html" else "something else than JSON"
            raise Permanent("wrong_content_type", f"the upstream answered with {what}; is the base URL right?")
        reader = read_whole(body, call)
        delta = reader.drain()
        completion = reader.completion()
        if delta is not None:
            sink(delta)
        return completion

    def _watch(self, response: aiohttp.ClientResponse) -> None:
        """Have the body break off when its connection is gone. aiohttp's C parser closes the connection on a bad chunk
        size and does not tell who waits for the body (seen in 3.14.5)."""
        connection = response.connection
        if connection is None or connection.protocol is None:  # the whole body is here
            return
        closed = connection.protocol.closed
        if closed is None:
            _break_off(response.content)
            return
        if closed not in self._bodies:
            closed.add_done_callback(self._lost)
        self._bodies[closed] = response.content

    def _lost(self, closed: asyncio.Future[None]) -> None:
        if not closed.cancelled():
            closed.exception()  # looked at, so that asyncio does not report it
        _break_off(self._bodies.pop(closed))

    async def _failure(self, response: aiohttp.ClientResponse) -> ProviderError:
        """The error behind a status, with what the body says of it if that comes soon."""
        body = b""
        try:
            async with asyncio.timeout(_ERROR_BODY_S):
                body = await _read_body(response, _MAX_ERROR_BYTES)
        except (*FOREIGN, ProviderError):  # the status alone says enough
            pass
        self._log_body(response.status, body)
        return error_of_status(response.status, error=read_error(body), headers=response.headers, now=self._now())

    def _log_body(self, status: int, body: bytes) -> None:
        if _log.isEnabledFor(logging.DEBUG):
            text = body.decode(errors="replace")
            text = text.replace(self._key, "[key]") if self._key else text
            _log.debug("status %d: %s", status, text[:_LOGGED_CHARS].encode("unicode_escape").decode())


def _deeper() -> dict[str, str] | None:
    """One fusion deeper than we are; nothing where the session's own header says so."""
    depth = DEPTH.get()
    return {DEPTH_HEADER: str(depth + 1)} if depth else None


def _break_off(body: aiohttp.StreamReader) -> None:
    if not body.is_eof() and body.exception() is None:
        body.set_exception(aiohttp.ClientPayloadError("the connection is gone"))


async def _read_stream(content: aiohttp.StreamReader, call: Call, sink: Sink) -> Completion:
    reader = StreamReader(call)
    received = 0
    while not reader.finished:
        chunk = await content.readany()
        if not chunk:
            return reader.completion()
        received += len(chunk)
        if received > MAX_BODY_BYTES:
            raise _too_large(MAX_BODY_BYTES)
        delta = reader.feed(chunk)
        if delta is not None:
            sink(delta)
    await _read_tail(content, reader, sink)
    return reader.completion()


async def _read_tail(content: aiohttp.StreamReader, reader: StreamReader, sink: Sink) -> None:
    """Read on to the token counts, then to the end of the body, so that the connection can be used again. The text is
    whole by now: what breaks here loses the connection only."""
    try:
        if not reader.ended:
            async with asyncio.timeout(_AFTER_FINISH_S):
                while chunk := await content.readany():
                    if (delta := reader.feed(chunk)) is not None:
                        sink(delta)
                    if reader.ended:
                        break
        if reader.clean and not content.at_eof():
            async with asyncio.timeout(_AFTER_DONE_S):
                while chunk := await content.readany():
                    reader.feed(chunk)
                    if not reader.clean:
                        break
    except FOREIGN:
        return


async def _read_body(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The whole body, decompressed; never more than `most` bytes of it. Raises Permanent `body_too_large`."""
    if (response.content_length or 0) > most:
        raise _too_large(most)
    parts, received = [], 0
    while chunk := await response.content.readany():
        received += len(chunk)
        if received > most:
            raise _too_large(most)
        parts.append(chunk)
    return b"".join(parts)


def _too_large(most: int) -> Permanent:
    return Permanent("body_too_large", f"the upstream's answer is larger than {most} bytes")
