"""Answers, each with a head of our own: everything in it is at hand, and plain.

aiohttp's way to a head, past cookies, encodings and lengths that are yet to be found out, costs several times as much.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import HttpVersion, HttpVersion10

from fusion_graph.jsontext import write_json

if TYPE_CHECKING:
    from fusion_graph.server._request import Request

JSON = "Content-Type: application/json; charset=utf-8\r\n"
NO_CONTENT = 204
PHRASES: Mapping[int, str] = {status.value: status.phrase for status in HTTPStatus}


class Answer:
    """One with a body leaves when its handler is through; one without has left already, as streams do. `lines` are of
    its head, each with its end, and never hold what a client wrote. `stays`: the connection may be used again."""

    __slots__ = ("body", "lines", "status", "stays")

    def __init__(self, body: bytes | None, lines: str = JSON, status: int = 200) -> None:
        self.body = body
        self.lines = lines
        self.status = status
        self.stays = True

    def head(self, request: Request) -> bytes:
        """With all its lines. From here on it is known whether the connection stays."""
        body, status = self.body, self.status
        request.begun = True
        self.stays = stays = self.stays and request.stays
        first, last = _frame(request.version, status, stays)
        length = "" if body is None or status == NO_CONTENT else f"Content-Length: {len(body)}\r\n"
        return f"{first}{self.lines}{length}Date: {_date(int(time.time()))}\r\n{last}".encode()


def said(value: object, lines: str = "", status: int = 200) -> Answer:
    """A value as JSON."""
    return Answer(write_json(value), JSON + lines, status)


@lru_cache(maxsize=256)
def _frame(version: HttpVersion, status: int, stays: bool) -> tuple[str, str]:
    """The first and the last line; what its version takes for granted of the connection is not said."""
    told = "" if stays != (version == HttpVersion10) else f"Connection: {'keep-alive' if stays else 'close'}\r\n"
    return f"HTTP/{version.major}.{version.minor} {status} {PHRASES.get(status, '')}\r\n", f"{told}\r\n"


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
