"""Failures that all servers of one Redis know of, so that whoever comes back too soon is answered from memory whichever
of them it meets. Optional, with the shared limits.

Each server keeps its own (`_failures`) and asks nobody: what one remembers or forgets it says once, and the others do
the same. A word that is lost costs a run, nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fusion_graph.server._errors import Refused
from fusion_graph.server._failures import Failures
from fusion_graph.server._shared_limits import ANSWER_S

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from fusion_graph.server._logs import Log

CHANNEL = "fusion:failures"
PAUSE_S = 5.0
"""Before Redis is tried again."""


class SharedFailures(Failures):
    """Made by `open_failures`. `client` belongs to whoever made it."""

    def __init__(self, client: Redis, *, log: Log, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._client = client
        self._log = log
        self._name = secrets.token_hex(8)
        self._saying: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Listen. Returns when the others are heard, or Redis takes too long."""
        tuned = asyncio.Event()
        self._listening = asyncio.create_task(self._listen(tuned))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                await tuned.wait()

    async def aclose(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening, *self._saying])

    def remember(self, tenant: str, body: str, refused: Refused) -> None:
        super().remember(tenant, body, refused)
        self._say(tenant, body, write(refused))

    def forget(self, tenant: str, body: Callable[[], str]) -> bool:
        known = super().forget(tenant, body)
        if known:
            self._say(tenant, body(), None)
        return known

    def _say(self, tenant: str, body: str, refused: dict[str, Any] | None) -> None:
        said = json.dumps({"from": self._name, "tenant": tenant, "body": body, "refused": refused})
        task = asyncio.create_task(self._publish(said))
        self._saying.add(task)
        task.add_done_callback(self._saying.discard)

    async def _publish(self, said: str) -> None:
        from redis.exceptions import RedisError

        try:
            await self._client.publish(CHANNEL, said)
        except (RedisError, OSError) as fault:
            self._log.say("failures", error=type(fault).__name__)

    async def _listen(self, tuned: asyncio.Event) -> None:
        from redis.exceptions import RedisError

        while True:
            try:
                async with self._client.pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    while True:
                        found = await channel.get_message(timeout=PAUSE_S)
                        if found is not None:
                            tuned.set()
                            self._hear(found)
            except (RedisError, OSError) as fault:
                self._log.say("failures", error=type(fault).__name__)
                await asyncio.sleep(PAUSE_S)

    def _hear(self, found: dict[str, Any]) -> None:
        """Also what a server of another version says: that may be anything."""
        try:
            said: dict[str, Any] = json.loads(found["data"]) if found["type"] == "message" else {"from": self._name}
            if said["from"] == self._name:
                return
            tenant, body = str(said["tenant"]), str(said["body"])
            refused = None if said["refused"] is None else read(said["refused"])
        except (ValueError, KeyError, TypeError):
            return
        if refused is None:
            super().forget(tenant, lambda: body)
        else:
            super().remember(tenant, body, refused)


def write(refused: Refused) -> dict[str, Any]:
    names = ("http_status", "kind", "message", "code", "param", "retry_after_s", "retry", "fusion", "lasting")
    return {name: getattr(refused, name) for name in names}


def read(said: dict[str, Any]) -> Refused:
    """Raises KeyError or TypeError for what `write` does not write."""
    told = {name: said[name] for name in ("code", "param", "retry_after_s", "retry", "fusion")}
    refused = Refused(int(said["http_status"]), str(said["kind"]), str(said["message"]), **told)
    refused.lasting = said["lasting"] is True
    return refused


async def open_failures(client: Redis, *, log: Log, clock: Callable[[], float] = time.monotonic) -> SharedFailures:
    failures = SharedFailures(client, log=log, clock=clock)
    await failures.begin()
    return failures
