"""Whole runs on a cassette: a replay ends as the recorded run did, whatever the clock decided in it."""

from __future__ import annotations

from pathlib import Path

from tests.store.taped import EVERYTHING, asked, record, replay, scripts


def test_a_replay_decides_what_the_clock_decided(tmp_path: Path) -> None:
    """Quorum, retries, hedge and an early stop, recorded with real latencies."""
    file = tmp_path / "run.tape"
    run = record(file, asked(EVERYTHING), scripts())
    nodes, reasons = run.summary["nodes"], {reason for _, reason in run.summary["degraded"]}
    assert (nodes["panel/slow"], nodes["one"], nodes["two"]) == ("cancelled late", "cancelled hedge_lost", "ok")
    assert reasons == {"late"}
    assert nodes["votes/5"] == "skipped not_needed"
    assert run.summary["cost_usd"] > 0
    for _ in range(10):
        again = replay(file)
        assert again.summary == run.summary
        assert again.told == []
