"""An event loop whose clock jumps: when nothing is left to do now, it is at once the time of the next timer. Replies
that are played back with the time they took then cost none, and a pipeline's time is exact, whatever else runs."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any


class _Jumping(selectors.BaseSelector):
    """A real selector that never waits for a timer: it tells the loop to go on to it."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.ahead = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(timeout if timeout is None else 0)
        if not ready and timeout:
            self.ahead += timeout
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """Begins at 0. Nothing that waits for a thread or a socket belongs in it."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.ahead if hasattr(self, "_jumping") else 0.0
