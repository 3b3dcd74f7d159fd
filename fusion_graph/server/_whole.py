"""A whole answer to one client: head and body leave in one write."""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING

from aiohttp import HttpVersion10, web

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.abc import AbstractStreamWriter


class Whole(web.StreamResponse):
    """All of it is at hand, and plain: aiohttp's own way to a head, past cookies, encodings and lengths that are yet
    to be found out, costs several times as much."""

    def __init__(self, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(headers=headers)
        self._said = body

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        headers, version, writer = self.headers, request.version, request.writer
        stays = self._keep_alive = request.keep_alive
        headers["Content-Length"] = str(len(self._said))
        headers["Date"] = _date(int(time.time()))
        if stays == (version == HttpVersion10):  # what its version does not take for granted
            headers["Connection"] = "keep-alive" if stays else "close"
        await writer.write_headers(f"HTTP/{version.major}.{version.minor} {self.status} {self.reason}", headers)
        await writer.write_eof(self._said)
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        """It has left with the head."""


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
