"""What all calls to one backend share, with a clock in the test's hand."""

from __future__ import annotations

import pytest

from fusion_graph.engine.lane import AUTH_PAUSE_S
from fusion_graph.errors import Permanent, Transient
from tests.engine.bench import Bench


def test_missing_key_is_known() -> None:
    bench = Bench()
    assert not bench.lanes["a"].needs_key
    assert bench.lanes["b"].needs_key


def test_nothing_holds_a_fresh_lane_back() -> None:
    assert not Bench().lane.holds_back
    assert Bench().lane.cap is None
    assert Bench(max_concurrency=2).lane.cap is not None


def test_rate_lets_so_many_go_a_minute() -> None:
    bench = Bench(requests_per_minute=2)
    assert bench.lane.holds_back
    assert [bench.lane.delay_s() for _ in range(3)] == [0, 0, 60]
    bench.now = 20
    assert bench.lane.delay_s() == 40
    bench.now = 60.1
    assert bench.lane.delay_s() == 0


def test_waiting_call_is_not_counted() -> None:
    bench = Bench(requests_per_minute=1)
    bench.lane.delay_s()
    for _ in range(5):
        assert bench.lane.delay_s() == 60
    bench.now = 61
    assert bench.lane.delay_s() == 0


@pytest.mark.parametrize("reason", ["rate_limited", "upstream_5xx"])
def test_retry_after_cools_the_whole_lane(reason: str) -> None:
    bench = Bench()
    bench.lane.note(Transient(reason, retry_after_s=9))
    assert bench.lane.holds_back
    assert bench.lane.delay_s() == 9
    bench.now = 9
    assert bench.lane.delay_s() == 0


def test_cooling_call_is_not_counted() -> None:
    bench = Bench(requests_per_minute=1)
    bench.lane.note(Transient("rate_limited", retry_after_s=9))
    assert bench.lane.delay_s() == 9
    bench.now = 9
    assert bench.lane.delay_s() == 0
    assert bench.lane.delay_s() == 60


def test_longer_cool_down_stands() -> None:
    bench = Bench()
    bench.lane.note(Transient("rate_limited", retry_after_s=9))
    bench.lane.note(Transient("rate_limited", retry_after_s=2))
    assert bench.lane.delay_s() == 9


@pytest.mark.parametrize(
    "error", [Transient("connection", retry_after_s=9), Transient("rate_limited"), Permanent("bad_request")]
)
def test_other_errors_concern_nobody_else(error: Transient | Permanent) -> None:
    bench = Bench()
    bench.lane.note(error)
    assert not bench.lane.holds_back


def test_refused_key_stops_everybody_for_a_while() -> None:
    # semantics 1: 401/403 opens the breaker
    bench = Bench()
    bench.lane.note(Permanent("auth_failed", status=401))
    with pytest.raises(Permanent) as caught:
        bench.lane.delay_s()
    assert (caught.value.reason, caught.value.sent) == ("auth_failed", False)
    assert "k" not in caught.value.message.split("'")[1]
    bench.now = AUTH_PAUSE_S
    assert bench.lane.delay_s() == 0


def test_lane_says_what_troubles_it() -> None:
    bench = Bench()
    assert bench.lane.trouble == ""
    bench.lane.note(Transient("rate_limited", "", retry_after_s=5.0))
    assert bench.lane.trouble == "cooling"
    bench.lane.note(Permanent("auth_failed", ""))
    assert bench.lane.trouble == "key_refused"
    bench.now = AUTH_PAUSE_S + 1
    assert bench.lane.trouble == ""
