"""The answer's text on its way out, beyond what tests/semantics/test_streaming.py shows of whole runs."""

from __future__ import annotations

from fusion_graph.engine.request import ask
from fusion_graph.engine.run import Run
from fusion_graph.events import TextDelta, ToolDelta
from fusion_graph.graph.plan import RUNNING
from fusion_graph.messages import Delta, ToolCall, ToolCallDelta
from fusion_graph.outputs import Draft, Outcome
from tests.engine.stage import Stage
from tests.graph.walk import bound_of

NODES = """
a: {kind: proposer, model: m/a}
b: {kind: proposer, model: m/b}
c: {kind: synth, model: m/c, inputs: [a, b]}
f: {kind: fallback, inputs: [a, b]}
g: {kind: fallback, inputs: [f, c]}
"""


def opened(stream: bool = True) -> Run:
    """A run that has begun: node a is live, b is not demanded."""
    run = Run(Stage().fusion.services, bound_of(NODES, output="g"), ask("Why?", stream=stream), None)
    run.progress.begin()
    assert run.progress.states[0].phase == RUNNING
    return run


def sent(run: Run) -> list[str]:
    return [event.text for event in run.trace.events if isinstance(event, TextDelta)]


def test_unstreamed_run_has_no_live_side() -> None:
    assert opened(stream=False).live is None


def test_live_text_goes_out_piece_by_piece() -> None:
    run = opened()
    assert run.live
    offer = run.live.offers(0, 0)
    for piece in ("Hel", "lo"):
        offer(Delta(text=piece))
    assert sent(run) == ["Hel", "lo"]
    assert run.live.node == 0


def test_blank_text_waits_for_company() -> None:
    # semantics 3: at the first non-blank content
    run = opened()
    assert run.live
    offer = run.live.offers(0, 0)
    offer(Delta(text="\n "))
    assert sent(run) == []
    assert run.live.node == -1
    offer(Delta(text="x"))
    assert sent(run) == ["\n ", "x"]


def test_text_that_is_not_live_is_kept() -> None:
    run = opened()
    assert run.live
    run.live.offers(1, 0)(Delta(text="early"))
    assert sent(run) == []
    run.progress.finished(0, Outcome("failed", None, "x"))
    run.live.refresh()
    assert sent(run) == ["early"]
    assert run.live.node == 1


def test_new_attempt_drops_what_was_kept() -> None:
    run = opened()
    assert run.live
    run.live.offers(1, 0)(Delta(text="stale"))
    run.live.offers(1, 0)(Delta(text="fresh"))
    run.progress.finished(0, Outcome("failed", None, "x"))
    run.live.refresh()
    assert sent(run) == ["fresh"]


def test_failed_attempt_is_forgotten() -> None:
    run = opened()
    assert run.live
    run.live.offers(1, 0)(Delta(text="stale"))
    run.live.forget(1, 0)
    run.live.forget(2, 0)
    run.progress.finished(0, Outcome("failed", None, "x"))
    run.live.refresh()
    assert sent(run) == []


def test_finished_node_is_not_flushed() -> None:
    # semantics 3: one that is finished is sent whole
    run = opened()
    assert run.live
    run.live.offers(1, 0)(Delta(text="done"))
    run.progress.states[1].phase = RUNNING
    run.progress.finished(1, Outcome("ok", Draft(text="done", node="b")))
    run.progress.finished(0, Outcome("failed", None, "x"))
    run.live.refresh()
    assert sent(run) == []


def test_other_texts_are_dropped_once_committed() -> None:
    run = opened()
    assert run.live
    other = run.live.offers(1, 0)
    run.live.offers(0, 0)(Delta(text="mine"))
    other(Delta(text="theirs"))
    run.live.refresh()
    assert sent(run) == ["mine"]


def test_choices_are_flushed_in_order() -> None:
    run = opened()
    assert run.live
    second, first = run.live.offers(1, 1), run.live.offers(1, 0)
    second(Delta(text="two"))
    first(Delta(text="one"))
    run.progress.finished(0, Outcome("failed", None, "x"))
    run.live.refresh()
    assert [(e.choice, e.text) for e in run.trace.events if isinstance(e, TextDelta)] == [(0, "one"), (1, "two")]


def test_tool_calls_commit_as_well() -> None:
    run = opened()
    assert run.live
    run.live.offers(0, 0)(Delta(tool_calls=(ToolCallDelta(0, "1", "look", "{}"),)))
    assert run.live.node == 0
    assert [(e.pieces[0].name, e.whole) for e in run.trace.events if isinstance(e, ToolDelta)] == [("look", False)]


def test_answer_nobody_streamed_is_sent_whole() -> None:
    run = opened()
    assert run.live
    call = ToolCall(id="1", name="look", arguments="{}")
    run.live.close((Draft(text="one", node="a"), Draft(text="", node="a", tool_calls=(call,))))
    whole = [(e.choice, e.text, e.whole) for e in run.trace.events if isinstance(e, TextDelta)]
    assert (0, "one", True) in whole
    assert [e.choice for e in run.trace.events if isinstance(e, ToolDelta)] == [1]


def test_text_beside_a_tool_call_is_sent_too() -> None:
    run = opened()
    assert run.live
    call = ToolCall(id="1", name="look", arguments="{}")
    run.live.close((Draft(text="let me see", node="a", tool_calls=(call,)),))
    assert sent(run) == ["let me see"]
    assert [e.whole for e in run.trace.events if isinstance(e, ToolDelta)] == [True]


def test_answer_that_was_streamed_is_not_sent_again() -> None:
    run = opened()
    assert run.live
    run.live.offers(0, 0)(Delta(text="one"))
    run.live.close((Draft(text="one", node="a"),))
    assert sent(run) == ["one"]
