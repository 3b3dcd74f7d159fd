"""Answers that go out as we put them: a head of our own, and a whole answer behind it in the same write.

Everything is at hand, and plain: aiohttp's own way to a head, past cookies, encodings and lengths that are yet to be
found out, costs several times as much.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING

from aiohttp import HttpVersion10, web

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter


class Own(web.StreamResponse):
    """An answer that aiohttp neither begins nor ends; it only learns here whether the connection stays."""

    @property
    def prepared(self) -> bool:
        return True

    async def prepare(self, _request: web.BaseRequest) -> AbstractStreamWriter | None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """It has left."""

    def head(self, request: web.BaseRequest, lines: str) -> bytes:
        """With these lines, each with its end. Until `force_close` says otherwise, the connection stays if the client
        wants it so."""
        version, stays = request.version, request.keep_alive if self._keep_alive is None else self._keep_alive
        self._keep_alive = stays
        end = "\r\n"
        if stays == (version == HttpVersion10):  # what its version does not take for granted
            end = f"Connection: {'keep-alive' if stays else 'close'}\r\n\r\n"
        first = f"HTTP/{version.major}.{version.minor} 200 OK\r\n"
        return f"{first}{lines}Date: {_date(int(time.time()))}\r\n{end}".encode()


class Whole(Own):
    """A whole answer to one client."""

    def __init__(self, body: bytes, lines: str) -> None:
        super().__init__()
        self._said = body, f"{lines}Content-Length: {len(body)}\r\n"

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        body, lines = self._said
        send(request, self.head(request, lines) + body)
        await request.writer.drain()
        return None


def send(request: web.BaseRequest, data: bytes) -> None:
    """Raises ConnectionResetError for a client that is gone."""
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the client is gone")
    transport.write(data)


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
