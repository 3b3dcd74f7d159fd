"""How an MCP server at an address is asked: bounded answers, nothing compressed (a small answer could grow without
end), no proxy and no netrc of the environment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httpx2 import AsyncClient

MAX_BYTES = 16 << 20  # of one answer


def bounded_client(seconds: float, key: str = "") -> AsyncClient:
    """`key` goes to the server's own address only: no redirect is followed."""
    import httpx2

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, stream: httpx2.AsyncByteStream) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for piece in self._stream:
                size += len(piece)
                if size > MAX_BYTES:
                    raise httpx2.ReadError(f"the answer is longer than {MAX_BYTES} bytes")
                yield piece

        async def aclose(self) -> None:
            await self._stream.aclose()

    class Transport(httpx2.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            answer = await super().handle_async_request(request)
            if answer.headers.get("content-encoding", "identity") != "identity":
                await answer.aclose()
                raise httpx2.ReadError("the answer is compressed, which was not asked for")
            assert isinstance(answer.stream, httpx2.AsyncByteStream)
            answer.stream = Bounded(answer.stream)
            return answer

    return httpx2.AsyncClient(
        transport=Transport(),
        headers={"Accept-Encoding": "identity", **({"Authorization": f"Bearer {key}"} if key else {})},
        follow_redirects=False,
        timeout=httpx2.Timeout(seconds, connect=10.0),
        trust_env=False,
    )
