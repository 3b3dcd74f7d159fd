"""What all calls to one backend share, with a clock in the test's hand."""

from __future__ import annotations

import pytest

from fusion_graph.contracts import Backend, Provider
from fusion_graph.engine.lane import AUTH_PAUSE_S, Lane
from fusion_graph.engine.lanes import Lanes
from fusion_graph.errors import Permanent, Transient, UsageError
from fusion_graph.providers.sim import SimClient


class Bench:
    """Lanes over sims that can be counted."""

    def __init__(self, **settings: int) -> None:
        self.now = 0.0
        self.opened: list[SimClient] = []
        provider = Provider(name="sim", summary="", open=self._open, needs_key=True)
        backends = {n: Backend(name=n, provider="sim", api_key="k" * (n == "a"), **settings) for n in ("a", "b")}  # type: ignore[arg-type]
        self.lanes = Lanes(backends, {"sim": provider}, "a", lambda: self.now)

    def _open(self, _backend: Backend) -> SimClient:
        self.opened.append(SimClient())
        return self.opened[-1]

    @property
    def lane(self) -> Lane:
        return self.lanes["a"]


def test_default_backend_has_one_lane() -> None:
    """Caps and breakers must not double because it is asked for by its name."""
    bench = Bench()
    assert bench.lanes[""] is bench.lanes["a"]
    assert bench.lanes["b"] is not bench.lanes["a"]


def test_unknown_backend_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="unknown backend 'c'") as caught:
        Bench().lanes["c"]
    assert "a, b" in caught.value.hint


async def test_client_is_opened_on_first_use_and_closed() -> None:
    bench = Bench()
    assert bench.opened == []
    assert bench.lane.client is bench.lane.client
    _ = bench.lanes["b"]
    await bench.lanes.aclose()
    assert [sim.closed for sim in bench.opened] == [True]


async def test_closed_lanes_open_again() -> None:
    bench = Bench()
    _ = bench.lane.client
    await bench.lanes.aclose()
    _ = bench.lane.client
    assert len(bench.opened) == 2


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


@pytest.mark.parametrize("shared", [True, False], ids=["same-key", "other-key"])
def test_refused_key_is_refused_at_its_address(*, shared: bool) -> None:
    """semantics 1: a 401 opens the breaker of that (origin, key), by whatever name a backend calls them."""
    sim = Provider(name="sim", summary="", open=lambda _backend: SimClient())
    keys = {"a": "k1", "b": "k1" if shared else "k2"}
    backends = {n: Backend(name=n, provider="sim", base_url="http://x/v1", api_key=key) for n, key in keys.items()}
    lanes = Lanes(backends, {"sim": sim}, "a", lambda: 0.0)
    lanes["a"].note(Permanent("auth_failed", status=401))
    assert lanes["a"].holds_back
    assert lanes["b"].holds_back is shared


def test_backends_of_one_account_share_its_breaker() -> None:
    # semantics 1: opens the breaker of that (origin, key)
    provider = Provider(name="sim", summary="", open=lambda _backend: SimClient())
    backends = {
        name: Backend(name=name, provider="sim", base_url=url, api_key=key)
        for name, url, key in (
            ("one", "https://a.example/v1", "k"),
            ("same", "https://a.example/v1", "k"),
            ("key", "https://a.example/v1", "other"),
            ("place", "https://b.example/v1", "k"),
        )
    }
    lanes = Lanes(backends, {"sim": provider}, "one", lambda: 0.0)
    lanes["one"].note(Permanent("auth_failed", status=401))
    assert lanes["same"].holds_back
    with pytest.raises(Permanent):
        lanes["same"].delay_s()
    assert not lanes["key"].holds_back
    assert not lanes["place"].holds_back


def test_lane_says_what_troubles_it() -> None:
    bench = Bench()
    assert bench.lane.trouble == ""
    bench.lane.note(Transient("rate_limited", "", retry_after_s=5.0))
    assert bench.lane.trouble == "cooling"
    bench.lane.note(Permanent("auth_failed", ""))
    assert bench.lane.trouble == "key_refused"
    bench.now = AUTH_PAUSE_S + 1
    assert bench.lane.trouble == ""
