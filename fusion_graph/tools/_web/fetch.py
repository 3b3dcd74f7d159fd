"""Fetching a page for a model: one parser, one look-up of the name, a connection to the very address that was checked,
and the same again for every redirect. Bounded in bytes, time and redirects.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from fusion_graph.errors import ToolError
from fusion_graph.tools._web.address import is_public

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]

MAX_BYTES = 2_000_000
SECONDS = 20.0
REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
_HEADERS = {
    "User-Agent": "fusion_graph (a tool of a language model)",
    "Accept": "text/html,application/xhtml+xml,text/plain,application/json;q=0.9,*/*;q=0.5",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What came. `cut`: it was longer than the bound."""

    url: str
    status: int
    media: str
    charset: str
    body: bytes
    cut: bool = False


async def look_up(host: str, port: int) -> Sequence[str]:
    """Every address of a name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """How pages are fetched. `blocked`: domains that are refused, with all below them. `permits` and `resolve` are
    arguments so that tests can use a loopback server."""

    blocked: tuple[str, ...] = ()
    max_bytes: int = MAX_BYTES
    seconds: float = SECONDS
    redirects: int = REDIRECTS
    permits: Callable[[str], bool] = is_public
    resolve: Resolve = look_up

    async def fetch(self, address: str) -> Page:
        """The page behind an address. Raises ToolError with what to tell the model."""
        try:
            async with asyncio.timeout(self.seconds):
                return await self._follow(address)
        except TimeoutError:
            raise ToolError(f"{address} did not answer within {self.seconds:g} s") from None

    async def _follow(self, address: str) -> Page:
        url = self.check(address)
        for _ in range(self.redirects + 1):
            answer = await self._get(url)
            if isinstance(answer, Page):
                return answer
            url = self.check(str(url.join(URL(answer))))
        raise ToolError(f"{address} redirects more than {self.redirects} times")

    def check(self, address: str) -> URL:
        """A web address that may be asked for at all. Raises ToolError."""
        try:
            url = URL(address)
            port = url.port
        except ValueError:
            raise ToolError("that is not a web address") from None
        if url.scheme not in ("http", "https") or not url.host or port is None:
            raise ToolError(f"{address[:200]} is not an http or https address")
        if url.user or url.password:
            raise ToolError("an address with a name or password in it is not fetched")
        host = _bare(url.host)
        if any(host == domain or host.endswith(f".{domain}") for domain in map(_bare, self.blocked)):
            raise ToolError(f"{host} is a blocked domain")
        return url

    async def _get(self, url: URL) -> Page | str:
        """The page, or where it has moved."""
        assert url.host is not None
        assert url.port is not None
        addresses = await self._addresses(url.host, url.port)
        connector = aiohttp.TCPConnector(resolver=_Pinned(addresses), use_dns_cache=False, force_close=True)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector, headers=_HEADERS, cookie_jar=aiohttp.DummyCookieJar()
                ) as web,
                web.get(url, allow_redirects=False, max_line_size=16_384, max_field_size=16_384) as answer,
            ):
                self._check_peer(answer)
                moved = answer.headers.get("Location")
                if answer.status in _MOVED and moved:
                    return moved
                body = await answer.content.read(0)
                while len(body) <= self.max_bytes and (piece := await answer.content.readany()):
                    body += piece
                return Page(
                    url=str(url),
                    status=answer.status,
                    media=answer.content_type,
                    charset=answer.charset or "",
                    body=body[: self.max_bytes],
                    cut=len(body) > self.max_bytes,
                )
        except (aiohttp.ClientError, OSError, ValueError) as fault:
            raise ToolError(f"{url.host} cannot be read: {type(fault).__name__}") from None

    async def _addresses(self, host: str, port: int) -> list[str]:
        """Where to connect. One forbidden address among them is enough to refuse: the name is not to be trusted."""
        try:
            found = list(await self.resolve(host, port))
        except (OSError, UnicodeError):
            raise ToolError(f"there is no host {host}") from None
        if not found:
            raise ToolError(f"there is no host {host}")
        if not all(self.permits(address) for address in found):
            raise ToolError(f"{host} is an address of this machine or of a private network, which is not fetched")
        return found

    def _check_peer(self, answer: aiohttp.ClientResponse) -> None:
        """Who really answered; it cannot differ, and must not."""
        transport = answer.connection.transport if answer.connection else None
        peer = transport.get_extra_info("peername") if transport else None
        if peer is not None and not self.permits(str(peer[0])):
            raise ToolError("the connection led to a private network")


class _Pinned(AbstractResolver):
    """Answers with the addresses that were checked, whatever the name says by now."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002  (its interface)
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        return


def _bare(host: str) -> str:
    return host.rstrip(".").lower()
