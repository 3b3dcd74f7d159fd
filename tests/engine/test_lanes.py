"""The table of all backends of one Fusion: who shares a lane, and who an account."""

from __future__ import annotations

import pytest

from fusion_graph.contracts import Backend, Provider
from fusion_graph.engine.lanes import Lanes
from fusion_graph.errors import Permanent, UsageError
from fusion_graph.providers.sim import SimClient
from tests.engine.bench import Bench


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
