"""Whole runs on a cassette: a replay ends as the recorded run did, whatever the clock decided in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fusion_graph.errors import Transient, UsageError
from fusion_graph.store.clockwork import Clockwork
from fusion_graph.tapes.replaying import read_tape, recorded
from tests.store.taped import EVERYTHING, asked, record, replay, scripts

NODES = "answer: {kind: proposer, model: a/fast}"


@pytest.mark.parametrize("stream", [False, True])
def test_a_replay_decides_what_the_clock_decided(tmp_path: Path, stream: bool) -> None:
    """Quorum, retries, hedge and an early stop, recorded with real latencies."""
    file = tmp_path / "run.tape"
    run = record(file, asked(EVERYTHING, stream=stream), scripts())
    nodes = run.summary["nodes"]
    assert (nodes["panel/slow"], nodes["one"], nodes["two"]) == ("cancelled late", "cancelled hedge_lost", "ok")
    assert nodes["votes/5"] == "skipped not_needed"
    assert run.summary["degraded"] == [["panel/slow", "late"]]
    assert run.summary["cost_usd"] > 0
    for _ in range(5):
        again = replay(file)
        assert again.summary == run.summary
        assert again.told == []
        assert again.result.run_id == run.result.run_id


def test_a_budget_stop_happens_again(tmp_path: Path) -> None:
    file = tmp_path / "run.tape"
    nodes = """
    panel: {kind: layer, models: [a/fast, b/flaky, c/slow], max_tokens: 100}
    answer: {kind: synth, model: g/writer, inputs: [panel], max_tokens: 100}
    final: {kind: fallback, inputs: [answer, panel]}
    """
    script = dict.fromkeys(("a/fast", "b/flaky", "c/slow", "g/writer"), "Words of it.")
    run = record(file, asked(nodes, budget_usd=0.007), script, loop=Clockwork)
    assert "budget" in {reason for _, reason in run.summary["degraded"]}
    assert replay(file).summary == run.summary


def test_what_was_asked_is_on_the_cassette(tmp_path: Path) -> None:
    file = tmp_path / "run.tape"
    record(file, asked(NODES, "Why not?", seed=7, deadline_s=60.0), {"a/fast": "Because."})
    found = recorded(read_tape(str(file)))
    assert (found.messages[0].text, found.seed, found.deadline_s, found.stream) == ("Why not?", 7, 60.0, True)
    assert found.pipeline.name == "test"


def test_what_is_asked_otherwise_is_told(tmp_path: Path) -> None:
    """It need not matter: what was recorded answers all the same."""
    file = tmp_path / "run.tape"
    record(file, asked(NODES), {"a/fast": "Because."})
    other = asked(NODES.replace("model:", "description: new, model:"), deadline_s=9.0)
    again = replay(file, other)
    assert again.told == ["the pipeline is not the recorded one", "deadline_s: 9.0, recorded null"]
    assert again.summary["answer"] == "Because."


def test_what_comes_out_otherwise_is_told(tmp_path: Path) -> None:
    file = tmp_path / "run.tape"
    record(file, asked(NODES), {"a/fast": "Because."})
    lines = file.read_text().splitlines()
    lines[-1] = json.dumps({**json.loads(lines[-1]), "answer": "Never."})
    file.write_text("".join(f"{line}\n" for line in lines))
    assert replay(file).told == ["not as recorded: answer"]


def test_prices_are_the_recorded_ones_and_must_be_prices(tmp_path: Path) -> None:
    file = tmp_path / "run.tape"
    run = record(file, asked(NODES), {"a/fast": [Transient("empty_output", usage=None), "Because."]})
    assert replay(file).summary["cost_usd"] == run.summary["cost_usd"]
    head, *rest = file.read_text().splitlines()
    broken = {**json.loads(head), "prices": {"date": "", "models": {"a/fast": [1.0]}}}
    file.write_text("".join(f"{line}\n" for line in (json.dumps(broken), *rest)))
    with pytest.raises(UsageError, match=":1: `head`/prices: not a price"):
        read_tape(str(file))


def test_a_source_that_is_no_pipeline_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "run.tape"
    record(file, asked(NODES), {"a/fast": "Because."})
    head, *rest = file.read_text().splitlines()
    broken = {**json.loads(head), "pipeline": {"name": "x", "source": "[]"}}
    file.write_text("".join(f"{line}\n" for line in (json.dumps(broken), *rest)))
    with pytest.raises(UsageError, match="not a pipeline"):
        recorded(read_tape(str(file)))
