"""One request: its head as aiohttp's parser read it, its body as it comes, and the way back to its client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

    from aiohttp import HttpVersion, StreamReader
    from aiohttp.http import RawRequestMessage
    from multidict import CIMultiDictProxy


class Connection(Protocol):
    """Where a request came from. `transport` is None when its client is gone."""

    transport: asyncio.Transport | None

    @property
    def peer(self) -> str:
        """The client's address."""

    @property
    def writing_paused(self) -> bool:
        """The client reads more slowly than we write."""

    async def drained(self) -> None:
        """Until it has read enough."""


class Request:
    """What handlers need of it. Names and paths are the client's own words."""

    __slots__ = ("begun", "body", "connection", "headers", "method", "path", "stays", "version")

    def __init__(self, head: RawRequestMessage, body: StreamReader, connection: Connection) -> None:
        self.body = body
        self.connection = connection
        self.headers: CIMultiDictProxy[str] = head.headers
        self.method: str = head.method
        self.path: str = head.path
        self.version: HttpVersion = head.version
        self.stays = not head.should_close  # the connection, as its client wants it
        self.begun = False  # the head of an answer was made: there is no other

    def send(self, data: bytes) -> None:
        """Raises ConnectionResetError for a client that is gone."""
        transport = self.connection.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client is gone")
        transport.write(data)
