"""Asking the models: the only retry loop of the package, and its waits. What an attempt means stands in `attempts`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fusion_graph.engine.attempts import CallRun
from fusion_graph.engine.retries import failure, too_long
from fusion_graph.errors import NodeFailed, ProviderError, Transient

if TYPE_CHECKING:
    from fusion_graph.messages import Completion


async def complete(call: CallRun) -> Completion:
    """A usable reply of the node's model, else of its alternates in order. Raises NodeFailed."""
    known = call.recalled()
    if known is not None:
        return known
    while call.advance():
        try:
            if call.must_wait:
                await _take_turn(call)
            return call.answered(await call.send())
        except (asyncio.CancelledError, ProviderError) as raised:
            error = call.lost(raised)
            if error is None:
                raise
        finally:
            call.end()
        if call.pause is not None:
            await _nap(call, call.pause, error)
    raise failure(call.failures)


async def complete_all(calls: Sequence[CallRun]) -> list[Completion | NodeFailed]:
    """All calls at once; failures are values. A single one needs no task of its own."""
    if len(calls) == 1:
        return [await _caught(calls[0])]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_caught(call)) for call in calls]
    return [task.result() for task in tasks]


async def complete_choices(calls: Sequence[CallRun]) -> Completion:
    """n texts of one prompt; all must come (semantics 3). The first is the node's draft, the run keeps the others."""
    completions = []
    for reply in await complete_all(calls):
        if isinstance(reply, NodeFailed):
            raise reply.anew()
        completions.append(reply)
    calls[0].run.choices[calls[0].node.index] = tuple(completions)
    return completions[0]


async def _caught(call: CallRun) -> Completion | NodeFailed:
    call.task = asyncio.current_task()
    try:
        return await complete(call)
    except NodeFailed as error:
        return error.with_traceback(None)  # whose frames hold whoever gets it
    finally:
        call.task = None


# --- waiting ----------------------------------------------------------------------------------------------------------


async def _take_turn(call: CallRun) -> None:
    """Wait until the caps of the backend and the run let the attempt go. A wait beyond the deadline is a failure at
    once."""
    run, lane = call.run, call.lane
    while lane.holds_back and (delay := lane.delay_s()) > 0:  # cool-down and request rate of the backend
        error = Transient("rate_limited", f"backend {lane.backend.name!r} asks to wait {delay:.1f} s", sent=False)
        if too_long(call, delay):
            raise error
        await _nap(call, delay, error)
    for cap in (lane.cap, run.cap):  # who waits for a backend holds no slot of the run
        if cap is not None:
            await cap.acquire()
            call.caps = (*call.caps, cap)
    call.refuse_late()


async def _nap(call: CallRun, seconds: float, error: ProviderError) -> None:
    run = call.run
    run.interruptible[call] = None
    try:
        await run.services.sleep(seconds)
    except asyncio.CancelledError:
        if call.takes_back():
            raise failure([(call.options.model, error)]) from None
        raise
    finally:
        run.interruptible.pop(call, None)
        call.was_cut = ""
    call.refuse_late()
