"""Section 3 of the design, the retry loop: what is retried, how long is waited, three timeouts, caps and rates."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.errors import Permanent, ProviderError, Transient
from fusion_graph.events import CallFailed
from fusion_graph.messages import Call
from tests.engine.stage import Stage, entries, start, states

ONE = "a: {kind: proposer, model: m/a%s}"
DOWN = Transient("upstream_5xx", "status 503", status=503)


# --- attempts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        Transient("timeout", status=408),
        Transient("conflict", status=409),
        Transient("rate_limited", status=429),
        DOWN,
        Transient("connection", sent=False),
        Transient("truncated_stream"),
    ],
    ids=lambda error: error.reason,
)
async def test_what_may_go_away_is_tried_again(error: ProviderError) -> None:
    # design 3: 408, 409, 429, 5xx, connection, timeout; `max_retries: 2` = `attempts: 3`, the default
    stage = Stage({"m/a": [error, error, "text"]})
    result = await stage.run(ONE % "")
    assert (result.text, result.state) == ("text", "ok")
    assert len(stage.naps) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
async def test_what_will_not_go_away_is_not(status: int) -> None:
    # design 3: never 400/401/403/404/413/422
    stage = Stage({"m/a": [Permanent("bad_request", status=status), "text"]})
    result = await stage.run(ONE % "")
    assert result.state == "failed"
    assert len(stage.asked) == 1
    assert stage.naps == []


async def test_attempts_are_counted_with_the_first() -> None:
    # semantics 5: `max_retries: 2` = `attempts: 3`
    stage = Stage({"m/a": DOWN})
    result = await stage.run(ONE % ", retry: {attempts: 4}")
    assert len(stage.asked) == 4
    assert (result.nodes[0].attempts, result.nodes[0].calls) == (4, 1)
    assert states(result) == {"a": "failed upstream_5xx"}


async def test_waits_double_under_full_jitter() -> None:
    """Waits are random in 0..backoff, doubling, capped at 8 s."""
    stage = Stage({"m/a": DOWN})
    for _ in range(20):
        await stage.run(ONE % ", retry: {attempts: 6, backoff_s: 1}")
    rows = [stage.naps[n : n + 5] for n in range(0, 100, 5)]
    for wait, ceiling in zip(zip(*rows, strict=True), (1, 2, 4, 8, 8), strict=True):
        assert max(wait) <= ceiling
        assert max(wait) > ceiling / 3
        assert len(set(wait)) > 1


async def test_retry_after_is_honoured() -> None:
    # design 3: honours Retry-After
    stage = Stage({"m/a": [Transient("rate_limited", status=429, retry_after_s=7.5), "text"]})
    result = await stage.run(ONE % "")
    assert result.text == "text"
    assert stage.naps[0] == 7.5
    (failed,) = stage.heard(CallFailed)
    assert failed.next_s == 7.5


async def test_retry_after_beyond_the_deadline_is_a_failure() -> None:
    # design 3: honours Retry-After (within the deadline)
    stage = Stage({"m/a": [Transient("rate_limited", status=429, retry_after_s=400), "text"]})
    result = await stage.run(ONE % "", top={"limits": {"deadline_s": 300}})
    assert states(result) == {"a": "failed rate_limited"}
    assert stage.naps == []


async def test_cool_down_binds_the_whole_backend() -> None:
    """A Retry-After of one node holds back every other call to that backend."""
    stage = Stage(
        {"m/a": [Transient("rate_limited", status=429, retry_after_s=9), "a"], "m/b": "b"},
        others={"second": {"m/c": "c"}},
    )
    await stage.run("""
        a: {kind: proposer, model: m/a, retry: {attempts: 1}}
        b: {kind: proposer, model: m/b, after: [a]}
        c: {kind: proposer, model: m/c@second, after: [a]}
        f: {kind: synth, model: m/c@second, inputs: ['a?', b, c]}
        """)
    assert len(stage.naps) == 1
    assert stage.naps[0] == pytest.approx(9, abs=0.5)


async def test_every_attempt_is_an_event_with_its_cost() -> None:
    # design 3: each attempt is an event with class, wait and cost
    stage = Stage({"m/a": [DOWN, "text"]})
    await stage.run(ONE % "")
    (failed,) = stage.heard(CallFailed)
    assert (failed.reason, failed.attempt, failed.cost_usd) == ("upstream_5xx", 1, 0.0)
    assert failed.next_s == stage.naps[0]


async def test_alternates_come_after_the_retries() -> None:
    # design 2: alternates (tried in order when retries are spent)
    stage = Stage({"m/a": DOWN, "m/b": Permanent("not_found", status=404), "m/c": "third"})
    result = await stage.run(ONE % ", alternates: [m/b, m/c]")
    assert stage.asked == ["m/a"] * 3 + ["m/b", "m/c"]
    assert result.text == "third"
    assert result.nodes[0].model == "m/c"
    assert entries(result) == [("a", "upstream_5xx")]


async def test_spent_alternates_name_every_error() -> None:
    stage = Stage({"m/a": DOWN, "m/b": Permanent("not_found", "no such model", status=404)})
    result = await stage.run(ONE % ", alternates: [m/b], retry: {attempts: 1}")
    assert states(result) == {"a": "failed not_found"}
    assert "status 503" in result.nodes[0].detail
    assert "no such model" in result.nodes[0].detail


# --- timeouts ---------------------------------------------------------------------------------------------------------

SHORT = ", retry: {attempts: 1}, timeout: {first_token_s: %s, idle_s: %s, total_s: %s}"


@pytest.mark.parametrize(
    ("timeouts", "reply", "reason"),
    [
        ((0.01, 30, 30), (asyncio.Event(),), "timeout_first_token"),
        ((30, 0.01, 30), ("one ", asyncio.Event()), "timeout_idle"),
        ((30, 30, 0.01), ("one ", asyncio.Event()), "timeout_attempt"),
        ((0.02, 0.02, 0.01), (asyncio.Event(),), "timeout_attempt"),
    ],
)
async def test_silent_model_is_given_up(timeouts: tuple[float, ...], reply: tuple[object, ...], reason: str) -> None:
    # design 3: time to first token, idle between tokens, total per attempt
    stage = Stage({"m/a": reply})  # type: ignore[dict-item]
    result = await stage.run(ONE % (SHORT % timeouts))
    assert states(result) == {"a": f"failed {reason}"}
    assert len(stage.sim.cancelled) == 1


async def test_steady_model_is_never_idle() -> None:
    # design 3: idle is between tokens, however long the whole takes
    steps = tuple(step for n in range(10) for step in (f"{n} ", 0.005))
    stage = Stage({"m/a": steps})
    result = await stage.run(ONE % (SHORT % (5, 1, 5)))
    assert result.state == "ok"


async def test_timeout_is_retried() -> None:
    # design 3: one retry loop: ... timeout ...
    stage = Stage({"m/a": [(asyncio.Event(),), (asyncio.Event(),), "text"]})
    result = await stage.run(ONE % ", timeout: {first_token_s: 0.01}")
    assert result.text == "text"
    assert [event.reason for event in stage.heard(CallFailed)] == ["timeout_first_token"] * 2


async def test_every_alternate_has_its_own_timeouts() -> None:
    """An attempt that was cut leaves nothing behind that would shield the next one."""
    stage = Stage({"m/a": (asyncio.Event(),), "m/b": (asyncio.Event(),), "m/c": "third"})
    result = await stage.run(ONE % ", alternates: [m/b, m/c], retry: {attempts: 1}, timeout: {first_token_s: 0.01}")
    assert result.text == "third"
    assert len(stage.sim.cancelled) == 2


async def test_cancel_after_a_timeout_is_a_cancel() -> None:
    """A cut of an earlier attempt must not make a cancellation look like another cut."""
    stage = Stage({"m/a": (asyncio.Event(),), "m/b": (asyncio.Event(),)})
    run = start(stage, ONE % ", alternates: [m/b], retry: {attempts: 1}, timeout: {first_token_s: 0.01, total_s: 60}")
    await stage.sim.called("m/b")
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run


# --- caps and rates ---------------------------------------------------------------------------------------------------

WIDE = "p: {kind: sample, model: m/a, samples: 6}\nf: {kind: fallback, inputs: [p]}"


def counting(peak: list[int], stage: list[Stage]) -> object:
    async def reply(_call: Call) -> str:
        peak.append(len(stage[0].sim.running))
        await asyncio.sleep(0)
        return "text"

    return reply


@pytest.mark.parametrize(
    ("limits", "backend", "most"),
    [
        ({"max_concurrency": 2}, {}, 2),
        ({}, {"max_concurrency": 3}, 3),
        ({"max_concurrency": 4}, {"max_concurrency": 2}, 2),
    ],
    ids=["run", "backend", "both"],
)
async def test_cap_is_never_passed(limits: dict[str, int], backend: dict[str, int], most: int) -> None:
    # design 2: max_concurrency of a run and of a backend
    peak: list[int] = []
    stages: list[Stage] = []
    stages.append(Stage({"m/a": counting(peak, stages)}, backend=backend))  # type: ignore[dict-item]
    result = await stages[0].run(WIDE, top={"limits": limits} if limits else {})
    assert result.state == "ok"
    assert max(peak) == most
    assert len(peak) == 6


async def test_backend_cap_is_shared_by_runs() -> None:
    peak: list[int] = []
    stages: list[Stage] = []
    stages.append(Stage({"m/a": counting(peak, stages)}, backend={"max_concurrency": 2}))  # type: ignore[dict-item]
    fusion = stages[0].fusion
    from fusion_graph.engine.request import ask
    from tests.graph.walk import bound_of

    bound = bound_of(WIDE)
    await asyncio.gather(*(fusion.run(bound, ask("Why?")) for _ in range(3)))
    assert max(peak) == 2
    assert len(peak) == 18


async def test_wait_between_attempts_holds_no_slot() -> None:
    """A call that backs off lets others through."""
    asleep, wake = asyncio.Event(), asyncio.Event()

    async def sleep(_seconds: float) -> None:
        asleep.set()
        await wake.wait()

    stage = Stage({"m/a": [DOWN, "late"], "m/b": "beta", "m/w": "answer"}, backend={"max_concurrency": 1}, sleep=sleep)
    run = start(stage, "p: {kind: layer, models: [m/a, m/b]}\nw: {kind: synth, model: m/w, inputs: [p]}")
    await asleep.wait()
    await stage.sim.called("m/b")
    wake.set()
    assert (await run).text == "answer"


async def test_rate_of_a_backend_is_kept() -> None:
    # design 2: requests_per_minute of a backend
    stage = Stage({"*": "text"}, backend={"requests_per_minute": 2})
    await stage.run(WIDE)
    assert len(stage.asked) == 6
    assert sum(stage.naps) == pytest.approx(120, abs=5) or len(stage.naps) >= 2
    assert all(nap <= 60 for nap in stage.naps)


async def test_rate_beyond_the_deadline_is_a_failure() -> None:
    stage = Stage({"*": "text"}, backend={"requests_per_minute": 1})
    nodes = """
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b, after: [a]}
        c: {kind: proposer, model: m/c, after: [b]}
        d: {kind: proposer, model: m/d, after: [c]}
        f: {kind: fallback, inputs: [d, a]}
        """
    result = await stage.run(nodes, top={"limits": {"deadline_s": 130, "reserve_s": 5}})
    assert states(result)["d"] == "failed rate_limited"
    assert stage.asked == ["m/a", "m/b", "m/c"]
    assert len(stage.naps) == 2
