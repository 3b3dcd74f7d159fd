"""The connections of one backend, and requests over them: everything but the body is made once, and a request is one
write. Connecting and TLS are aiohttp's; its session, which builds each request anew, and its pool are left out (they
cost more than the rest of a call). So there are no redirects, cookies, proxies or netrc here.

Without a cap on connections, because the engine has caps.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import aiohttp
from yarl import URL

from fusion_graph.contracts import DEPTH, DEPTH_HEADER
from fusion_graph.errors import UsageError
from fusion_graph.providers._openai.errors import FOREIGN, is_disconnect
from fusion_graph.providers._openai.line import Answer, Begin, Line, by_hand

CONNECT_S = 10.0
REST_S, TIDY_S = 15.0, 5.0  # how long a connection may rest, and how often that is looked at
_STALE_S = 1.0  # a resting connection that was closed shows at once; what breaks later may have been at work
_REQUEST = b"%b%d\r\nContent-Length: %d\r\n\r\n%b"


class Pool:
    """Must be made inside the event loop."""

    def __init__(self, url: str, headers: Mapping[str, str], now: Callable[[], float] = time.monotonic) -> None:
        """Raises UsageError for a header that cannot be sent."""
        self._request = aiohttp.ClientRequest("POST", URL(url), headers=headers)
        self._head = _head(self._request)
        self._connector = aiohttp.TCPConnector(limit=0, limit_per_host=0, ttl_dns_cache=300)
        self._timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_S)
        self._now = now
        self._loop = asyncio.get_running_loop()
        self._resting: list[Line] = []  # in the order in which they began to; the last one is used first
        self._tidying: asyncio.TimerHandle | None = None

    async def post(self, body: bytes, begin: Begin = by_hand) -> Answer:
        """The answer, as far as `begin` wants it (see Line.ask); to be ended. Raises what `before_answer` can tell. A
        pooled connection that turns out to be closed is no attempt: the request goes out on the next one (llama.cpp
        closes each after a stream and does not say so)."""
        request = _REQUEST % (self._head, DEPTH.get() + 1, len(body), body)
        while True:
            began = self._now()
            line = self._rested() or await self._connect()
            try:
                return await line.ask(request, begin)
            except FOREIGN as error:
                line.drop()
                if not (line.since and is_disconnect(error) and self._now() - began < _STALE_S):
                    raise
            except BaseException:
                line.drop()
                raise

    async def _connect(self) -> Line:
        try:
            connection = await self._connector.connect(self._request, [], self._timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None:
            connection.close()
            raise aiohttp.ServerDisconnectedError
        line = Line(connection, protocol, transport)
        transport.set_protocol(line)
        return line

    def end(self, answer: Answer) -> None:
        """Its connection rests if the answer came to its end, else it is closed."""
        line = answer.line
        if line.clean:
            self.rest(line)
        else:
            line.drop()

    # --- connections that rest ---

    def _rested(self) -> Line | None:
        while self._resting:
            line = self._resting.pop()
            if line.open:
                return line
            line.drop()
        return None

    def rest(self, line: Line) -> None:
        """It has nothing to do, until it is asked again or has rested too long."""
        line.rest()
        self._resting.append(line)
        if self._tidying is None:
            self._tidying = self._loop.call_later(TIDY_S, self._tidy)

    def _tidy(self) -> None:
        oldest = self._loop.time() - REST_S
        resting = self._resting
        self._resting = [line for line in resting if line.open and line.since > oldest]
        for line in set(resting).difference(self._resting):
            line.drop()
        self._tidying = self._loop.call_later(TIDY_S, self._tidy) if self._resting else None

    async def aclose(self) -> None:
        if self._tidying is not None:
            self._tidying.cancel()
        for line in self._resting:
            line.release()
        self._resting.clear()
        await self._connector.close()


def _head(request: aiohttp.ClientRequest) -> bytes:
    """All of it but how deep it is and the length of the body."""
    lines = [f"POST {request.url.raw_path_qs} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items() if name.lower() != "content-length"]
    if not all(line.isprintable() for line in lines):
        raise UsageError("the key of a backend holds a character that no header may hold", hint="correct the key")
    return "\r\n".join([*lines, f"{DEPTH_HEADER}: "]).encode()
