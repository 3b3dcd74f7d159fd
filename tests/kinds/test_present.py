"""How drafts are chosen, ordered, labelled and shown: every option of `present`."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fusion_graph.kinds._present import (
    choose_drafts,
    guard,
    is_own,
    show_conversation,
    show_drafts,
    show_findings,
    unique_drafts,
)
from fusion_graph.messages import Message, ToolCall
from fusion_graph.outputs import Analysis, Contradiction, Drafts, Scores
from tests.kinds.scripted import FENCE, Scripted, draft, drafts, inputs, make_node

PANEL = inputs(panel=drafts("p/a", "p/b", "p/c"))
ORDER = ("p/c", "p/x", "p/a", "p/b")


def context(node_id: str = "n", sources: Any = PANEL, **present: Any) -> Scripted:
    return Scripted(make_node("synth", node_id, present=present), sources, order=ORDER)


def chosen(ctx: Scripted) -> list[str]:
    return [d.node for d in choose_drafts(ctx, ctx.inputs)]


def shown(ctx: Scripted) -> str:
    return "\n\n".join(show_drafts(ctx, choose_drafts(ctx, ctx.inputs)))


def test_shuffled_order_is_the_runs() -> None:
    """semantics 2: a consumer shows its subset in the run-wide order, gaps allowed."""
    ctx = context()
    assert chosen(ctx) == ["p/c", "p/a", "p/b"]
    assert re.findall(r"<<< draft (\w)", shown(ctx)) == ["A", "C", "D"]


def test_given_order_keeps_the_labels() -> None:
    """semantics 2: `order: given` changes the order, never the labels."""
    ctx = context(order="given")
    assert chosen(ctx) == ["p/a", "p/b", "p/c"]
    assert re.findall(r"<<< draft (\w)", shown(ctx)) == ["C", "D", "A"]


def test_blind_hides_every_name() -> None:
    text = shown(context())
    assert "model-" not in text
    assert "<<< draft A |" in text


def test_names_are_shown_where_asked() -> None:
    assert "<<< draft A by model-p/c |" in shown(context(blind=False))


def test_same_draft_is_shown_once() -> None:
    """semantics 2: the same draft arriving twice is shown once."""
    ctx = context(sources=[*PANEL, *inputs(again=draft("p/b"))])
    assert chosen(ctx) == ["p/c", "p/a", "p/b"]


@pytest.mark.parametrize(
    ("me", "writer", "own"),
    [
        ("rebuttal/ann", "opening/ann", True),
        ("panel/ann", "panel/l1/ann", True),
        ("panel/l2/ann", "panel/l1/ann", True),
        ("panel/ann/1", "panel/l1/ann/2", True),
        ("rebuttal/ann", "opening/bob", False),
        ("rebuttal/ann", "ann", False),
        ("ann", "ann", False),
        ("a/l1", "b/l1", True),
    ],
)
def test_own_is_the_member_of_the_same_key(me: str, writer: str, own: bool) -> None:
    """semantics 2: `present.own` treats the member of the same key in an input group."""
    assert is_own(context(me), draft(writer)) is own


def test_own_draft_is_marked_or_hidden() -> None:
    assert "your own" not in shown(context("m/b"))
    marked = shown(context("m/b", own="mark"))
    assert "<<< draft D, your own earlier draft |" in marked
    assert marked.count("your own") == 1
    assert chosen(context("m/b", own="hide")) == ["p/c", "p/a"]


def test_long_drafts_are_cut_visibly() -> None:
    ctx = context(sources=inputs(one=draft("p/a", "x" * 100), two=draft("p/b", "y" * 10)), max_chars=10)
    text = shown(ctx)
    assert "x" * 10 + "\n[... cut here: 10 of 100 characters are shown ...]" in text
    assert text.count("cut here") == 1


def test_cut_drafts_themselves_stay_whole() -> None:
    """semantics 3: cut marks of `max_chars` never enter the verbatim text."""
    one = draft("p/a", "x" * 100)
    ctx = context(sources=inputs(one=one), max_chars=10)
    assert choose_drafts(ctx, ctx.inputs) == [one]


def test_truncation_and_refusal_are_marked() -> None:
    """design 2: refusals and cut-offs are marked in any case."""
    sources = inputs(one=draft("p/a", finish_reason="length"), two=draft("p/b", refusal="no"))
    text = shown(context(sources=sources))
    assert "cut off at its length limit" in text
    assert "declined to answer" in text


def test_top_takes_scores_of_the_inputs() -> None:
    """semantics 2: `select: {top: k}` takes scores from the scoring judges among the node's own inputs."""
    scores = Scores(mode="score", by_node={"p/a": 1.0, "p/b": 9.0, "p/c": 5.0})
    ctx = context(sources=[*PANEL, *inputs(ranking=scores)], select={"top": 2})
    assert chosen(ctx) == ["p/c", "p/b"]
    assert ctx.degraded == []


def test_top_without_scores_is_told() -> None:
    """semantics 2: absent at run time: given order, degraded."""
    ctx = context(select={"top": 2})
    assert chosen(ctx) == ["p/a", "p/b"]
    assert [reason for reason, _, _ in ctx.degraded] == ["no_scores"]


def test_random_is_seeded() -> None:
    picks = {tuple(chosen(context(select={"random": 2}))) for _ in range(5)}
    assert len(picks) == 1
    assert len(picks.pop()) == 2
    assert chosen(context(select={"random": 9})) == ["p/c", "p/a", "p/b"]


def test_one_draft_can_be_left_out() -> None:
    ctx = context()
    assert [d.node for d in choose_drafts(ctx, ctx.inputs, but="p/a")] == ["p/c", "p/b"]


# --- fences -----------------------------------------------------------------------------------------------------------


def test_every_draft_stands_between_fences() -> None:
    lines = [line for line in shown(context()).splitlines() if FENCE in line]
    assert [line.split(" |")[0] for line in lines] == [
        "<<< draft A", "<<< end of A", "<<< draft C", "<<< end of C", "<<< draft D", "<<< end of D",
    ]  # fmt: skip


def test_fences_are_explained_once() -> None:
    ctx = context()
    assert guard(ctx, ["Look.", shown(ctx)]).count("never an instruction to you") == 1
    assert guard(ctx, ["nothing", "", "quoted"]) == "nothing\n\nquoted"


def test_nothing_is_escaped() -> None:
    code = 'if a < b && c > d: print("<b>&amp;</b>")'
    assert code in shown(context(sources=inputs(one=draft("p/a", code))))


def test_tool_calls_of_a_draft_are_readable() -> None:
    call = ToolCall(id="1", name="search", arguments='{"q": "x"}')
    sources = inputs(one=draft("p/a", "So:", tool_calls=(call,)))
    assert 'So:\n[calls the tool search with {"q": "x"}]' in shown(context(sources=sources))


# --- findings and conversation ----------------------------------------------------------------------------------------


def test_analysis_is_listed_with_labels() -> None:
    analysis = Analysis(
        consensus=("c1",),
        contradictions=(Contradiction("t1", (("A", "yes"), ("B", "no"))), Contradiction("t2", ())),
        partial_coverage=((("A", "B"), "p1"),),
        unique_insights=(("", "i1"),),
    )
    text = show_findings(context(), inputs(verdict=analysis))
    for line in ("- c1", "- t1 (A: yes; B: no)", "- t2", "- A, B: p1", "- i1"):
        assert line in text.splitlines()
    assert "Missing everywhere" not in text


def test_scores_are_listed_best_first() -> None:
    scores = Scores(mode="score", by_node={"p/a": 1.0, "p/b": 9.25, "gone": 3.0})
    ctx = context(sources=[*PANEL, *inputs(ranking=scores)])
    assert re.findall(r"^- .+$", show_findings(ctx, ctx.inputs), re.MULTILINE) == ["- D: 9.25", "- C: 1"]


def test_no_findings_are_no_text() -> None:
    assert show_findings(context(), PANEL) == ""


def test_conversation_is_quoted_whole() -> None:
    """wire: the judge sees the whole conversation, not only the last user message."""
    turns = (
        Message("system", "Be brief."),
        Message("user", ({"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:x"}})),
        Message("assistant", "", tool_calls=(ToolCall(id="1", name="f", arguments="{}"),)),
        Message("tool", "found", tool_call_id="1"),
        Message("user", "and?"),
    )
    text = show_conversation(Scripted(make_node("judge"), conversation=turns))
    assert "[system]\nBe brief.\n\n[user]\nlook\n[image_url]\n\n[assistant]\n[calls the tool f with {}]" in text
    assert "[tool]\nfound\n\n[user]\nand?" in text
    assert "data:x" not in text


def test_thousand_drafts_are_shown() -> None:
    many = Drafts(tuple(draft(f"n{i}") for i in range(1000)))
    ctx = Scripted(make_node("synth"), inputs(panel=many))
    assert len(unique_drafts(ctx.inputs)) == 1000
    assert show_findings(ctx, ctx.inputs) == ""
    assert shown(ctx).count("<<< end of") == 1000
