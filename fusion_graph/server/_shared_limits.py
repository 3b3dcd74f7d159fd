"""The accounts of keys in Redis, so that several processes and machines keep one limit together. Optional: the extra
`redis` brings the client, `FUSION_REDIS_URL` names the place.

Every step is one script, so that no two servers can spend the same dollar. A run holds a lease: whoever dies leaves one
that ends by itself, and its worst case is then booked, as nobody knows what it cost. While Redis does not answer no
limited key begins a run: a budget that nobody can read is not kept by guessing.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from fusion_graph.errors import UsageError
from fusion_graph.server._auth import Key
from fusion_graph.server._errors import Refused, unavailable
from fusion_graph.server._limits import DAY_S, MINUTE_S, Entry, Limits

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from fusion_graph.server._logs import Log

T = TypeVar("T")
ANSWER_S = 2.0
"""For Redis to connect and to answer."""

# Sums are texts on their way out: Redis makes whole numbers of the others.
_HIT = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1] - ARGV[2])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
  return tostring(redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] + ARGV[2] - ARGV[1])
end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[4])
redis.call('EXPIRE', KEYS[1], 2 * ARGV[2])
return '0'
"""
_ENTER = """
local now, ends, token, held, most, budget = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
for _, lost in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  redis.call('INCRBYFLOAT', KEYS[3], redis.call('HGET', KEYS[2], lost) or '0')
  redis.call('ZREM', KEYS[1], lost)
  redis.call('HDEL', KEYS[2], lost)
end
redis.call('EXPIRE', KEYS[3], ARGV[7])
if most > 0 and redis.call('ZCARD', KEYS[1]) >= most then return 'runs' end
if budget >= 0 then
  local sum = tonumber(redis.call('GET', KEYS[3]) or '0') + tonumber(held)
  for _, dollars in ipairs(redis.call('HVALS', KEYS[2])) do sum = sum + tonumber(dollars) end
  if sum > budget then return 'budget' end
end
redis.call('ZADD', KEYS[1], ends, token)
redis.call('HSET', KEYS[2], token, held)
return 'in'
"""
_LEAVE = """
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('INCRBYFLOAT', KEYS[3], ARGV[2])
return redis.call('EXPIRE', KEYS[3], ARGV[3])
"""


class SharedLimits(Limits):
    """Limits whose accounts are in Redis, made by `open_shared`. `lease_s` is longer than any run."""

    def __init__(self, client: Redis, *, lease_s: float, log: Log, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock)
        self._client = client
        self._lease_s = lease_s
        self._log = log
        self._hit_script = client.register_script(_HIT)
        self._enter_script = client.register_script(_ENTER)
        self._leave_script = client.register_script(_LEAVE)
        self._open: set[asyncio.Task[Any]] = set()

    async def aclose(self) -> None:
        """After the last run has been booked."""
        if self._open:
            await asyncio.wait(self._open)
        await self._client.aclose()

    async def _hit(self, key: Key) -> float:
        arguments = (repr(self._clock()), MINUTE_S, key.requests_per_minute, secrets.token_hex(8))
        return float(await self._ask(self._hit_script([f"fusion:{{{key.name}}}:times"], arguments)))

    async def _enter(self, key: Key, token: str, held: float) -> Entry:
        now, budget = self._clock(), key.budget_usd_per_day
        numbers = (repr(now), repr(now + self._lease_s), token, repr(held), key.max_runs)
        arguments = (*numbers, -1 if budget is None else repr(budget), 2 * DAY_S)
        entering = self._track(self._ask(self._enter_script(self._names(key), arguments)))
        try:
            entry: Entry = await asyncio.shield(entering)
        except asyncio.CancelledError:
            _undoing = self._track(self._undo(key, token, entering))
            raise
        return entry

    async def _leave(self, key: Key, token: str, _held: float, cost_usd: float) -> None:
        """Booked whatever becomes of the caller."""
        await asyncio.shield(self._track(self._book(key, token, cost_usd)))

    async def _undo(self, key: Key, token: str, entering: asyncio.Task[Entry]) -> None:
        """Its caller has left while it entered: nothing began, nothing is booked."""
        with contextlib.suppress(Refused):
            if await entering == "in":
                await self._book(key, token, 0.0)

    async def _book(self, key: Key, token: str, cost_usd: float) -> None:
        arguments = (token, repr(cost_usd), 2 * DAY_S)
        try:
            await self._ask(self._leave_script(self._names(key), arguments))
        except Refused:  # the answer is out already; the lease ends by itself, and the worst case is booked
            self._log.say("limits", key=key.name, error="a run's cost could not be booked")

    def _names(self, key: Key) -> list[str]:
        """Runs, what they hold, what is spent today; the braces keep them together in a cluster."""
        place = f"fusion:{{{key.name}}}"
        return [f"{place}:runs", f"{place}:held", f"{place}:spent:{int(self._clock() // DAY_S)}"]

    async def _ask(self, answer: Awaitable[T]) -> T:
        """Raises Refused 503 when Redis does not answer."""
        from redis.exceptions import RedisError

        try:
            return await answer
        except (RedisError, OSError) as fault:
            self._log.say("limits", error=type(fault).__name__)
            raise unavailable("the limits of keys cannot be read at the moment", "limits_unavailable") from None

    def _track(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        return task


async def open_shared(url: str, *, lease_s: float, log: Log, clock: Callable[[], float] = time.time) -> SharedLimits:
    """Raises UsageError where no Redis can be reached."""
    return SharedLimits(await connect(url), lease_s=lease_s, log=log, clock=clock)


async def connect(url: str) -> Redis:
    """Raises UsageError without the client, for a wrong address, and where no Redis answers."""
    try:
        from redis.asyncio import Redis
        from redis.exceptions import RedisError
    except ImportError:
        raise UsageError(
            "FUSION_REDIS_URL needs the client of Redis", hint="pip install 'fusion-graph[redis]'"
        ) from None
    try:
        client = Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            health_check_interval=30,
        )
    except ValueError:
        raise UsageError("FUSION_REDIS_URL is no address of a Redis", hint="like redis://127.0.0.1:6379/0") from None
    try:
        await client.ping()
    except (RedisError, OSError) as fault:
        await client.aclose()
        reason = type(fault).__name__
        raise UsageError(f"no Redis answers at FUSION_REDIS_URL ({reason})", hint="start it, or unset it") from None
    return client
