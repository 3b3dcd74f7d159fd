"""What stands between a socket and a handler: host names, media types, the size and shape of bodies (wire contract 5).

Everything is bounded before it is built: bytes before reading, structure before parsing, nesting before walking.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aiohttp import HttpVersion11
from aiohttp.web import RequestPayloadError

from fusion_graph.jsontext import read_json
from fusion_graph.server._errors import Refused, forbidden, invalid

if TYPE_CHECKING:
    from aiohttp import StreamReader

    from fusion_graph.server._options import ServerOptions
    from fusion_graph.server._request import Request

SMALL = 4096  # bytes that cannot hold much
MAX_OPENED = 500_000  # objects and arrays in a body
MAX_MEMBERS = 2_000_000
MAX_DEPTH = 64
MANY, LONG = 10_000, 1_000_000
"""Objects and arrays, or bytes, from which on a body is read in a thread. Where the thread lets nothing run beside it,
as in a long text, what waits gets its turn before and after."""
OUR_NAMES = frozenset({"localhost", "localhost.localdomain"})


def check_host(request: Request, options: ServerOptions) -> None:
    """The name under which we were called is one of ours: a web page that rebinds its own name to us has another one.
    An address is no name, so it cannot be rebound."""
    given = request.headers.getall("Host", ())
    if len(given) != 1:
        raise invalid("exactly one Host header is needed")
    name = given[0].rpartition(":")[0] if given[0].rpartition(":")[2].isdecimal() else given[0]
    if name.lower() in OUR_NAMES or name == options.host or name in options.hosts or "*" in options.hosts:
        return
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        raise forbidden(
            "this server is not called by that name; its operator can add it to `hosts`", "host_not_allowed"
        ) from None


def check_media(request: Request) -> None:
    """Only JSON reaches a handler: a form of some web page never does."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "invalid_request_error", "send application/json", code="unsupported_media_type")


async def read_body(request: Request, options: ServerOptions) -> dict[str, Any]:
    """The body as an object. Raises Refused."""
    check_media(request)
    content, most = request.body, options.max_body_bytes
    try:
        if content.is_eof():  # it is here already, as most are, and no larger than a buffer
            raw = content.read_nowait()
            if len(raw) > most:
                raise _too_large(most)
            parts, heavy = [raw], len(raw) > SMALL and _opened(raw) >= MANY
        elif int(request.headers.get("Content-Length", 0)) > most:
            raise _too_large(most)
        else:
            _go_ahead(request)
            async with asyncio.timeout(options.body_s):
                parts, heavy = await _receive(content, most)
    except TimeoutError:
        raise _closing(invalid("the body came too slowly", code="body_too_slow")) from None
    except (ValueError, RequestPayloadError):
        raise invalid("the body cannot be read") from None
    body = await asyncio.to_thread(_parse, parts) if heavy else _parse(parts)
    if not isinstance(body, dict):
        raise invalid("the body must be a JSON object")
    return body


def _go_ahead(request: Request) -> None:
    """Who asks before sending a body, as curl does with a large one, is let in by now."""
    asks = request.headers.get("Expect", "").lower() == "100-continue" and request.version >= HttpVersion11
    if asks:
        request.send(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _receive(content: StreamReader, most: int) -> tuple[list[bytes], bool]:
    """The bytes, and whether the loop should not wait for their reading. They are counted as they come."""
    parts: list[bytes] = []
    received = opened = members = 0
    while chunk := await content.readany():
        received += len(chunk)
        if received > most:
            raise _too_large(most)
        if received > SMALL:
            opened += _opened(chunk)
            members += chunk.count(b",")
            if opened > MAX_OPENED or members > MAX_MEMBERS:
                raise _closing(invalid("the body has too many parts", code="too_complex"))
        parts.append(chunk)
    return parts, opened >= MANY or received >= LONG


def _opened(raw: bytes) -> int:
    """At most so many objects and arrays begin in it."""
    return raw.count(b"{") + raw.count(b"[")


def _parse(parts: Sequence[bytes]) -> Any:
    return parse(b"".join(parts))


def parse(raw: bytes) -> Any:
    """JSON within bounds: no NaN, no lone surrogates, no numbers of thousands of digits. Raises Refused."""
    try:
        value = read_json(raw, strict=True)
    except (ValueError, RecursionError):
        raise invalid("the body is not valid JSON") from None
    if _opened(raw) > MAX_DEPTH:  # else nothing in it can lie so deep
        _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            item
            for part in level
            for item in (part.values() if isinstance(part, dict) else part)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise invalid(f"the body is nested deeper than {MAX_DEPTH} levels", code="too_deep")


def _too_large(most: int) -> Refused:
    return _closing(
        Refused(413, "invalid_request_error", f"the body is larger than {most} bytes", code="body_too_large")
    )


def _closing(refused: Refused) -> Refused:
    """What is left of the body is not read: the connection ends with the answer."""
    refused.closes = True
    return refused
