"""What the board makes of events: states, notes, sums and the tree."""

from __future__ import annotations

from fusion_graph import events as e
from fusion_graph.commands._run.board import Board
from fusion_graph.graph.binding import bind
from fusion_graph.graph.reader import load
from fusion_graph.kinds import KINDS
from fusion_graph.messages import Call, Completion, Sampling, Usage

SOURCE = b"""
version: 1
name: two
nodes:
  panel: {kind: layer, models: [a/x, {model: b/y, key: bob}], samples: 2}
  answer: {kind: synth, model: c/z, inputs: [panel]}
  final: {kind: fallback, inputs: [answer, panel]}
output: final
"""
CALL = Call("a/x", (), Sampling())
USAGE = Usage(prompt_tokens=10, completion_tokens=5)


def board() -> Board:
    made = Board()
    nodes = bind(load(SOURCE, file="two.yaml", kinds=KINDS), KINDS).nodes
    made.see(e.RunStarted(0.0, "run", "two", nodes, 0))
    return made


def failed(reason: str, next_s: float | None = None, cost: float | None = 0.5) -> e.CallFailed:
    return e.CallFailed(3.0, "answer", 0, 1, "c/z", reason, "", USAGE, cost, next_s)


def test_members_stand_below_their_group() -> None:
    rows = [("  " * row.depth + row.title, row.id) for row in board().walk()]
    assert rows == [
        ("panel", "panel"),
        ("  x", "panel/x"),
        ("    1", "panel/x/1"),
        ("    2", "panel/x/2"),
        ("  bob", "panel/bob"),
        ("    1", "panel/bob/1"),
        ("    2", "panel/bob/2"),
        ("answer", "answer"),
        ("final", "final"),
    ]


def test_a_node_goes_through_its_states() -> None:
    made = board()
    row = made.rows["answer"]
    states = [row.state]
    for event in (
        e.NodeStarted(1.0, "answer"),
        e.CallStarted(1.0, "answer", 0, 1, "c/z", CALL),
        e.FirstToken(2.0, "answer", 0),
        e.CallFinished(3.0, "answer", 0, 1, "c/z", Completion(text="x"), USAGE, 0.25, True),
        e.NodeFinished(3.5, "answer", "ok"),
    ):
        made.see(event)
        states.append(row.state)
    assert states == ["waiting", "asking", "asking", "writing", "working", "ok"]
    assert (row.tokens, row.cost_usd, row.seconds(9.0), made.tokens, made.cost_usd) == (15, 0.25, 2.5, 15, 0.25)


def test_a_retry_says_why_and_when() -> None:
    made = board()
    made.see(failed("rate_limited", next_s=2.5))
    assert (made.rows["answer"].state, made.rows["answer"].note) == ("retrying", "rate_limited, again in 2.5 s")
    made.see(e.CallStarted(5.5, "answer", 0, 2, "c/z", CALL))
    assert (made.rows["answer"].state, made.rows["answer"].note) == ("asking", "attempt 2")


def test_a_failed_node_keeps_its_reason_and_its_cost() -> None:
    made = board()
    made.see(failed("auth_failed"))
    made.see(e.NodeFinished(3.0, "answer", "failed", "auth_failed", "refused"))
    row = made.rows["answer"]
    assert (row.state, row.note, row.cost_usd) == ("failed", "auth_failed", 0.5)


def test_an_unknown_price_stays_unknown() -> None:
    made = board()
    made.see(failed("upstream_5xx", cost=None))
    made.see(failed("upstream_5xx", cost=0.5))
    assert made.rows["answer"].cost_usd is None
    assert made.cost_usd is None


def test_a_group_tells_how_many_it_took() -> None:
    made = board()
    made.see(e.GroupClosed(4.0, "panel", ("panel/x",), ("panel/bob",)))
    assert made.rows["panel"].note == "1 of 2, 1 late"
    made.see(e.GroupClosed(5.0, "final", ("answer",), ()))
    assert made.rows["final"].note == "took answer"


def test_a_cancelled_run_leaves_nobody_at_work() -> None:
    made = board()
    made.see(e.NodeStarted(1.0, "answer"))
    made.see(e.NodeSkipped(1.0, "final", "not_needed"))
    made.see(e.RunFinished(2.0, "cancelled"))
    states = {name: made.rows[name].state for name in ("answer", "final", "panel/x/1")}
    assert states == {"answer": "cancelled", "final": "skipped", "panel/x/1": "waiting"}


def test_no_time_is_negative() -> None:
    """A picture is drawn for a moment, and an event may be told of a later one while it is made."""
    made = board()
    made.see(e.NodeStarted(1.0, "answer"))
    assert made.rows["answer"].seconds(0.9) == 0.0
