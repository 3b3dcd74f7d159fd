"""A replay asks nobody, waits as the models did, and says what it cannot answer."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from fusion_graph.errors import Permanent, Transient
from fusion_graph.events import CallFailed, CallFinished, FirstToken
from fusion_graph.messages import Completion, Usage
from fusion_graph.providers.sim import Script
from fusion_graph.store.clockwork import Clockwork
from fusion_graph.store.player import Unrecorded
from tests.store.taped import asked, record, replay

ONE = "answer: {kind: proposer, model: a/fast}"
RETRIED = "answer: {kind: proposer, model: a/fast, retry: {attempts: 3, backoff_s: 60}}"


def test_figures_texts_and_failures_are_as_they_were(tmp_path: Path) -> None:
    """Recorded on a clockwork too, so times are exact; the waits before retries are random, and the same again."""
    file = tmp_path / "run.tape"
    replies = [
        (2.0, Transient("upstream_5xx", status=503, usage=Usage(prompt_tokens=7, cost_usd=0.5))),
        (1.0, "Half a ", 3.0, Transient("truncated_stream", "the stream was cut")),
        (1.5, "Whole.", Completion(usage=Usage(prompt_tokens=9, completion_tokens=2, cost_usd=0.25))),
    ]
    run = record(file, asked(RETRIED, stream=False), {"a/fast": list(replies)}, loop=Clockwork).result
    again = replay(file).result
    kinds = (CallFailed, CallFinished, FirstToken)
    was, now = ([event for event in one.events if isinstance(event, kinds)] for one in (run, again))
    assert list(map(timeless, was)) == list(map(timeless, now))
    assert [event.at for event in was] == pytest.approx([event.at for event in now], abs=1e-3)
    assert was[-1].at > 7.5


def timeless(event: CallFailed | CallFinished | FirstToken) -> tuple[object, ...]:
    """Without its time; the wait before a retry is the same again."""
    return event._replace(at=0.0)


@pytest.mark.parametrize("limits", [{"max_calls": 1}, {"deadline_s": 90, "reserve_s": 89.999}])
def test_a_retry_that_never_came_does_not_come(tmp_path: Path, limits: dict[str, float]) -> None:
    """The budget refused it, or the reserve began before: in a replay it ends for the same reason."""
    file = tmp_path / "run.tape"
    group = "panel: {kind: layer, members: [answer]}\nfinal: {kind: fallback, inputs: [panel]}"
    script: Script = {"a/fast": [Transient("upstream_5xx", status=503), "late"]}
    run = record(file, asked(f"{RETRIED}\n{group}", top={"limits": limits}), script, loop=Clockwork)
    assert run.summary["nodes"]["answer"] in ("failed budget", "cancelled deadline")
    again = replay(file)
    assert (again.summary, again.told) == (run.summary, [])


def test_timeouts_happen_again(tmp_path: Path) -> None:
    file = tmp_path / "run.tape"
    nodes = "answer: {kind: proposer, model: a/fast, retry: {attempts: 1}, timeout: {idle_s: 5}, alternates: [b/flaky]}"
    script: Script = {"a/fast": [("So ", asyncio.Event())], "b/flaky": ["Yes."]}
    run = record(file, asked(nodes, stream=False), script, loop=Clockwork)
    assert run.summary["degraded"] == [["answer", "timeout_idle"]]
    assert replay(file).summary == run.summary


def test_a_failed_run_fails_again(tmp_path: Path) -> None:
    file = tmp_path / "run.tape"
    run = record(file, asked(ONE), {"a/fast": [Permanent("auth_failed", status=401)]})
    assert run.result.error is not None
    again = replay(file)
    assert again.summary == run.summary
    assert again.told == []


def test_equal_calls_of_two_nodes_keep_their_replies(tmp_path: Path) -> None:
    """The same digest: each node gets its own, whoever asks first."""
    file = tmp_path / "run.tape"
    nodes = """
    one: {kind: proposer, model: a/fast}
    two: {kind: proposer, model: a/fast, after: [one]}
    both: {kind: layer, members: [two, one]}
    answer: {kind: synth, model: g/writer, inputs: [both]}
    """
    run = record(file, asked(nodes), {"a/fast": ["First.", "Second."], "g/writer": ["Done."]})
    again = replay(file)
    assert again.summary == run.summary
    assert {draft.node: draft.text for draft in again.result.drafts}["two"] == "Second."


def test_what_is_not_recorded_ends_the_run_and_names_the_node(tmp_path: Path) -> None:
    file = tmp_path / "run.tape"
    record(file, asked(ONE), {"a/fast": ["Yes."]})
    with pytest.raises(Unrecorded, match=r"answer asks a/fast .* differs in temperature: 0.5, recorded None"):
        replay(file, asked(ONE.replace("fast}", "fast, temperature: 0.5}")))
    with pytest.raises(Unrecorded, match="differs in model: 'b/flaky', recorded 'a/fast'"):
        replay(file, asked(ONE.replace("a/fast", "b/flaky")))
    with pytest.raises(Unrecorded, match=r"message 1 \(user\): at character 4 'Why not\?', recorded 'Why\?'"):
        replay(file, asked(ONE, "Why not?"))


def test_one_attempt_more_than_recorded_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "run.tape"
    once = ONE.replace("fast}", "fast, retry: {attempts: 1}}")
    record(file, asked(once), {"a/fast": [Transient("upstream_5xx", status=500)]})
    with pytest.raises(Unrecorded, match="once more than was recorded"):
        replay(file, asked(ONE))


def test_a_cut_recording_is_told_and_replays_what_there_is(tmp_path: Path) -> None:
    """What had begun hangs; a time-out ends it, and a second try was never recorded."""
    file = tmp_path / "run.tape"
    record(file, asked(ONE, stream=False), {"a/fast": ["Yes."]})
    kept = [
        line for line in file.read_text().splitlines(keepends=True) if json.loads(line)["is"] not in ("end", "result")
    ]
    file.write_text("".join(kept))
    with pytest.raises(Unrecorded, match="once more"):
        replay(file)
