"""Runs that failed a moment ago, by key and body: who sends the same again too soon is answered from here, without a
call upstream (wire contract 1.7). How often a client tries is up to the client; what each try buys is decided here.

A client that sends again whatever it is told gets one more run, after the wait that it was given. If that fails too,
the failure is said in the form that it does not replay. Where every model was rate limited, waiting is all that helps:
each wait is then twice the one before it.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from fusion_graph.server._errors import MOST_WAIT_S, RETRY_S, Refused

LASTING_S = 10.0  # what failed for good is said again for so long
FORGOTTEN_S = 60.0  # after this long without a try, the next one is the first again
MOST = 1024


@dataclass(slots=True)
class _Failure:
    refused: Refused
    tries: int
    at: float
    until: float


class Failures:
    """Bounded in number and time. `body` is only asked for where anything failed at all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[tuple[str, str], _Failure] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failed)

    def just_now(self, tenant: str, body: Callable[[], str]) -> Refused | None:
        """What the same request is to be told instead of a run."""
        found = self._find(tenant, body)
        left = 0.0 if found is None else found.until - self._clock()
        if found is None or left <= 0:
            return None
        if found.refused.retry_after_s is not None:
            found.refused.retry_after_s = math.ceil(left)
        return found.refused

    def tries(self, tenant: str, body: Callable[[], str]) -> int:
        """How often the same request has failed of late."""
        found = self._find(tenant, body)
        return 0 if found is None else found.tries

    def remember(self, tenant: str, body: str, refused: Refused) -> None:
        """A run of it failed, and was told so."""
        refused.__traceback__ = refused.__context__ = None  # they would keep the whole request
        now, place = self._clock(), (tenant, body)
        known = self._failed.pop(place, None)
        tries = 1 if known is None else known.tries + 1
        wait = LASTING_S if refused.lasting else float(refused.retry_after_s or RETRY_S)
        self._failed[place] = _Failure(refused, tries, now, now + wait)
        while len(self._failed) > MOST:
            self._failed.popitem(last=False)

    def forget(self, tenant: str, body: Callable[[], str]) -> bool:
        """It went well this time. Says whether it was known at all."""
        return bool(self._failed) and self._failed.pop((tenant, body()), None) is not None

    async def aclose(self) -> None:
        """The server ends."""

    def _find(self, tenant: str, body: Callable[[], str]) -> _Failure | None:
        if not self._failed:
            return None
        old = self._clock() - FORGOTTEN_S - MOST_WAIT_S
        while self._failed and next(iter(self._failed.values())).at < old:
            self._failed.popitem(last=False)
        found = self._failed.get((tenant, body())) if self._failed else None
        return found if found is not None and found.until + FORGOTTEN_S > self._clock() else None


def said_again(refused: Refused, tries: int, *, insistent: bool) -> Refused:
    """The failure of a run whose request has failed `tries` times before."""
    if not tries or refused.lasting:
        return refused
    if refused.http_status == 429 and refused.retry:
        refused.retry_after_s = min((refused.retry_after_s or RETRY_S) * 2**tries, MOST_WAIT_S)
    elif insistent:
        refused.lasting = True
    return refused
