"""Requests in flight with the same `Idempotency-Key` share one run (wire contract 1.7). Whole answers only: a stream is
one client's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from fusion_graph.server._errors import invalid

T = TypeVar("T")
MAX_CHARS = 256


class Sharing(Generic[T]):
    """What is being made, by the caller's key and its idempotency key."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], tuple[str, asyncio.Future[T]]] = {}

    async def share(self, tenant: str, name: str, body: str, make: Callable[[], Awaitable[T]]) -> T:
        """What `make` gives, or somebody who came before. Raises Refused for the same name with another body."""
        if len(name) > MAX_CHARS:
            raise invalid(f"an Idempotency-Key has at most {MAX_CHARS} characters", "Idempotency-Key")
        while (there := self._open.get((tenant, name))) is not None:
            digest, made = there
            if digest != body:
                raise invalid("this Idempotency-Key belongs to another request", "Idempotency-Key")
            await asyncio.wait([made])
            if not made.cancelled():  # else the one who made it has left, and it is our turn
                return made.result()
        return await self._make(tenant, name, body, make)

    async def _make(self, tenant: str, name: str, body: str, make: Callable[[], Awaitable[T]]) -> T:
        made: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._open[tenant, name] = (body, made)
        try:
            value = await make()
        except Exception as error:
            made.set_exception(error)
            made.exception()  # seen, also if nobody waits
            raise
        else:
            made.set_result(value)
            return value
        finally:
            made.cancel()
            del self._open[tenant, name]
