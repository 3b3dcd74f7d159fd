"""A run that goes on buys nothing twice (semantics 7): cut after every finished call, then resumed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fusion_graph.engine.report import RunResult
from fusion_graph.errors import Transient, UsageError
from fusion_graph.events import CallFinished, Event, RunStarted
from fusion_graph.providers.sim import Script
from fusion_graph.store.database import reading
from fusion_graph.store.journal import FILE, Job, Journal
from fusion_graph.store.listing import list_runs
from fusion_graph.store.tables import JOURNAL
from tests.engine.stage import Stage, analysis, critique, entries, shown, states
from tests.graph.walk import bound_of
from tests.store.keeping import ASKED, FENCE, PANEL, RUN, gone_on, past_of, stored, written

MOST_CUTS = 12
DOWN = Transient("upstream_5xx")
SHAPES: dict[str, tuple[str, Script]] = {
    "panel": (PANEL, {"m/w": lambda call: f"from {sorted(shown(call).items())}"}),
    "layers": (
        """
        panel: {kind: layer, models: [m/a, m/a, m/b], repeat: 2}
        verdict: {kind: judge, model: m/j, inputs: [panel]}
        answer: {kind: synth, model: m/w, inputs: [panel, verdict?]}
        final: {kind: fallback, inputs: [answer, panel]}
        """,
        {"m/j": analysis(consensus=["yes"])},
    ),
    "refine": (
        """
        draft: {kind: proposer, model: m/a}
        answer: {kind: refine, model: m/r, rounds: 2, inputs: [draft]}
        """,
        {"m/r": [critique("short"), "better", critique("still short"), "best"]},
    ),
    "samples": (
        """
        votes: {kind: sample, model: m/a, samples: 6, window: 2, stop: {agree: 2}, extract: {regex: 'A: (.+)'}}
        answer: {kind: judge, mode: vote, inputs: [votes]}
        """,
        {"m/a": lambda call: f"A: {'same' if call.draw[1] else 'other'}"},
    ),
    "repair": (
        """
        panel: {kind: layer, models: [m/a, m/b]}
        verdict: {kind: judge, model: m/j, inputs: [panel]}
        answer: {kind: synth, model: m/w, inputs: [panel, verdict]}
        """,
        {"m/j": ["no JSON at all", analysis(blind_spots=["x"])]},
    ),
}


async def cut(stage: Stage, folder: Path, nodes: str, after: int) -> None:
    """A run that is cancelled as soon as so many calls were answered. One that ends before that has its answer."""
    answered = 0
    task: asyncio.Task[RunResult]

    def listen(event: Event) -> None:
        nonlocal answered
        answered += isinstance(event, CallFinished)
        if answered == after:
            task.cancel()

    task = asyncio.create_task(written(stage, folder, nodes, listener=listen))
    await asyncio.wait([task])


@pytest.mark.parametrize("shape", SHAPES)
async def test_nothing_answered_is_sent_again_wherever_it_was_cut(shape: str, tmp_path: Path) -> None:
    nodes, script = SHAPES[shape]
    whole = await written(Stage(script), tmp_path / "whole", nodes)
    calls = sum(node.calls for node in whole.nodes)
    assert 0 < calls <= MOST_CUTS
    for after in range(calls):
        stage, folder = Stage(script), tmp_path / str(after)
        if after:
            await cut(stage, folder, nodes, after)
        else:
            await written(stage, folder, nodes)
        bought = [reply for attempt in stored(folder).attempts if (reply := attempt.digest) and attempt.state == "ok"]
        sent = len(stage.asked)
        again = await gone_on(stage, folder, nodes)
        assert (again.text, again.state) == (whole.text, whole.state)
        assert len(stage.asked) - sent == calls - len(bought)


async def test_finished_run_goes_on_for_nothing(tmp_path: Path) -> None:
    first = await written(Stage(), tmp_path)
    stage = Stage()
    again = await gone_on(stage, tmp_path)
    assert stage.asked == []
    assert states(again) == dict.fromkeys(states(first), "replayed")
    assert (again.text, again.cost_usd) == (first.text, 0.0)


QUORUM = """
  panel: {kind: layer, models: [m/a, m/b, m/c], quorum: 2}
  answer: {kind: synth, model: m/w, inputs: [panel]}
"""


async def test_closed_quorum_stays_as_it_was(tmp_path: Path) -> None:
    """semantics 7: stragglers cut then stay cut and are not called again."""
    stage = Stage({"m/b": [(asyncio.Event(), "late")], "m/w": [DOWN, DOWN, DOWN, "done"]})
    first = await written(stage, tmp_path, QUORUM)
    assert first.error is not None
    again = await gone_on(stage, tmp_path, QUORUM)
    assert again.text == "done"
    assert stage.asked.count("m/b") == 1
    assert ("panel/b", "late") in entries(again)
    assert set(shown(stage.sent("m/w")[-1])) == set(shown(stage.sent("m/w")[0]))


async def test_winner_of_a_hedge_stays(tmp_path: Path) -> None:
    nodes = """
      first: {kind: proposer, model: m/slow}
      second: {kind: proposer, model: m/fast}
      answer: {kind: fallback, inputs: [first, second], hedge_after_s: 0.01}
      final: {kind: synth, model: m/w, inputs: [answer]}
    """
    stage = Stage({"m/slow": [(asyncio.Event(), "slow")], "m/w": [DOWN, DOWN, DOWN, "done"]})
    assert (await written(stage, tmp_path, nodes)).error is not None
    assert (await gone_on(stage, tmp_path, nodes)).text == "done"
    assert stage.asked.count("m/slow") == 1
    assert stage.asked.count("m/fast") == 1


async def test_failed_node_is_tried_again(tmp_path: Path) -> None:
    stage = Stage({"m/w": [DOWN, DOWN, DOWN, "done"]})
    assert (await written(stage, tmp_path)).error is not None
    again = await gone_on(stage, tmp_path)
    assert states(again) == {"panel/a": "replayed", "panel/b": "replayed", "panel": "replayed", "answer": "ok"}
    assert again.text == "done"


async def test_changed_prompt_runs_that_node_and_what_stands_on_it(tmp_path: Path) -> None:
    nodes = """
      one: {kind: proposer, model: m/a}
      two: {kind: proposer, model: m/b}
      answer: {kind: synth, model: m/w, inputs: [one, two]}
    """
    stage = Stage()
    await written(stage, tmp_path, nodes)
    sent = len(stage.asked)
    changed = nodes.replace("model: m/b}", "model: m/b, system: 'Be brief.'}")
    again = await gone_on(stage, tmp_path, changed)
    assert stage.asked[sent:] == ["m/b", "m/w"]
    assert states(again)["one"] == "replayed"


async def test_what_was_spent_counts(tmp_path: Path) -> None:
    """semantics 4: a resumed run gets a fresh deadline, not a fresh budget."""
    stage = Stage({"m/w": DOWN})
    nodes = PANEL.replace("m/w,", "m/w, retry: {attempts: 2, backoff_s: 0},")
    limits = {"max_calls": 4}
    assert (await written(stage, tmp_path, nodes, limits=limits)).error is not None
    assert past_of(tmp_path).spent[1] == 4
    again = await gone_on(stage, tmp_path, nodes, limits=limits)
    assert again.error is not None
    assert len(stage.asked) == 4


async def test_call_in_flight_is_known_as_such(tmp_path: Path) -> None:
    """A run whose process is gone left a row for every call that had left: it may have been paid for."""
    stage = Stage({"m/a": [(asyncio.Event(), "never")]})
    task = asyncio.create_task(written(stage, tmp_path))
    await stage.sim.called("m/a")
    assert [a.state for a in stored(tmp_path).attempts if a.node == "panel/a"] == ["started"]
    task.cancel()
    await asyncio.wait([task])
    assert past_of(tmp_path).in_flight == ()


async def test_journal_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert (await written(Stage({"m/w": "done"}), tmp_path / "file")).text == "done"


async def test_without_a_folder_nothing_is_written() -> None:
    journal = Journal(None)
    journal.put("no SQL at all", ())
    await journal.flush()
    journal.close()
    assert journal.off == ""


async def test_refused_run_is_no_run(tmp_path: Path) -> None:
    """One that the engine refuses before it spends anything leaves nothing behind."""
    with pytest.raises(UsageError, match="backend"):
        await written(Stage(), tmp_path, "one: {kind: proposer, model: m/a@nowhere}")
    with reading(tmp_path / FILE, JOURNAL) as connection:
        assert list_runs(connection, most=9) == []


async def test_run_is_written_down_while_it_runs(tmp_path: Path) -> None:
    """Before the writer's call leaves, what led to it is on disk."""
    gate = asyncio.Event()
    stage = Stage({"m/w": (gate, "done")})
    task = asyncio.create_task(written(stage, tmp_path))
    await stage.sim.called("m/w")
    found = {node.node: node.state for node in stored(tmp_path).nodes}
    assert found == {"panel/a": "ok", "panel/b": "ok", "panel": "ok"}
    assert stored(tmp_path).line.state == "running"
    gate.set()
    assert (await task).text == "done"
    run = stored(tmp_path)
    assert (run.line.state, run.line.id, len(run.attempts)) == ("ok", RUN, 3)
    assert (ASKED[0].text in run.messages, FENCE in past_of(tmp_path).fence) == (True, True)


async def test_one_of_two_that_go_on_at_once_is_refused(tmp_path: Path) -> None:
    """Both looked before either began. The later one buys nothing and leaves the other's row alone."""
    stage = Stage({"*": "text"})
    await written(stage, tmp_path)
    past, journals, bound = past_of(tmp_path), (Journal(tmp_path), Journal(tmp_path)), bound_of(PANEL)
    job = Job(RUN, bound, ASKED, FENCE, "sim")
    faster, slower = (journal.go_on(job, past) for journal in journals)
    started = RunStarted(0.0, RUN, "test", bound.nodes, 0)
    faster.tell(started)
    asked = len(stage.sim.received)
    with pytest.raises(UsageError, match="goes on in another process"):
        await stage.run(bound, messages=ASKED, run_id=RUN, fence=FENCE, memory=slower)
    assert len(stage.sim.received) == asked
    for journal in journals:
        journal.close()
    assert stored(tmp_path).line.tries == 2


async def test_one_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told: list[str] = []
    journal = Journal(tmp_path / "file", tell=told.append)
    await journal.flush()
    assert told == []  # nobody has lost anything yet
    for _ in range(2):
        journal.put("INSERT", ())
        await journal.flush()
    journal.check()
    journal.close()
    assert told == [journal.off]


async def test_one_that_breaks_is_told_when_it_does(tmp_path: Path) -> None:
    told: list[str] = []
    journal = Journal(tmp_path, tell=told.append)
    journal.put("INSERT INTO nowhere VALUES (1)", ())
    await journal.flush()
    assert told == ["runs.db: no such table: nowhere"]
    journal.close()
    idle = Journal(tmp_path, tell=told.append)
    idle.close()
    assert len(told) == 1
