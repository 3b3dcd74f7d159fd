"""Puts raw replies on the wire, past the HTTP library: truncations, resets, stalls and what no server should send."""

from __future__ import annotations

import asyncio
import socket
import struct

from aiohttp import web

from fusion_graph.providers._sim.raw import Raw

_MOST_UNSENT_BYTES = 1 << 20


async def play(raw: Raw, request: web.Request) -> None:
    """Write a reply past the HTTP library. The connection is closed afterwards, whatever the reply was."""
    transport = request.transport
    if transport is None:
        return
    if not raw.silent:
        transport.write(_head(raw))
    framed = raw.chunked and raw.length is None and not raw.silent
    again = True
    while again and not transport.is_closing():
        for piece in raw.pieces:
            await _put(transport, piece, framed=framed)
        again = raw.end == "loop"
    if raw.end == "stall":
        await asyncio.Event().wait()  # until the client goes away
    if raw.end == "whole" and framed:
        transport.write(b"0\r\n\r\n")
    if transport.is_closing():
        return  # the client left first
    if raw.end == "reset":
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()


def _head(raw: Raw) -> bytes:
    fields = {"Content-Type": raw.media, "Connection": "close", **raw.headers}
    if raw.length is not None:
        fields["Content-Length"] = str(raw.length)
    elif raw.chunked:
        fields["Transfer-Encoding"] = "chunked"
    lines = [f"HTTP/1.1 {raw.status} Simulated", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def _put(transport: asyncio.Transport, piece: bytes | float, *, framed: bool) -> None:
    if isinstance(piece, float):
        await asyncio.sleep(piece)
        return
    transport.write(b"%x\r\n%s\r\n" % (len(piece), piece) if framed else piece)
    await asyncio.sleep(0)
    while transport.get_write_buffer_size() > _MOST_UNSENT_BYTES and not transport.is_closing():  # noqa: ASYNC110 - no event
        await asyncio.sleep(0.001)
