"""judge: its options, its findings, its modes."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.errors import NodeFailed
from fusion_graph.graph.structure import problems
from fusion_graph.kinds._verdicts import GRADES
from fusion_graph.kinds.judge import KIND
from fusion_graph.outputs import Analysis, Scores
from fusion_graph.pipeline import NodeId, NodeSpec
from tests.kinds.scripted import ASKED, FENCE, Reply, Scripted, draft, drafts, inputs, make_node, run

PANEL = inputs(panel=drafts("a", "b", "c"))
ANALYSIS = {"consensus": ["c"], "contradictions": [], "partial_coverage": [], "unique_insights": [], "blind_spots": []}


def judging(*replies: Reply, sources: Any = PANEL, **options: Any) -> Scripted:
    return Scripted(make_node(KIND, **options), sources, *replies)


def graded(**by_label: float) -> dict[str, Any]:
    return {"scores": [{"label": k, "reason": "", **dict.fromkeys(GRADES, g)} for k, g in by_label.items()]}


# --- analyze ----------------------------------------------------------------------------------------------------------


async def test_analysis_is_the_default() -> None:
    ctx = judging(ANALYSIS)
    assert await run(ctx) == Analysis(consensus=("c",))
    assert KIND.gives({}) == "analysis"


async def test_judge_reads_conversation_and_drafts_as_data() -> None:
    """wire 3: the judge sees the whole conversation, quoted; shapes 3: drafts behind a random fence."""
    ctx = judging(ANALYSIS)
    await run(ctx)
    system, user = ctx.asks[0].messages
    assert (system.role, user.role) == ("system", "user")
    assert ASKED[0] not in ctx.asks[0].messages
    for part in ("[system]\nBe brief.", "[user]\nWhat is six times seven?", "text of a", "blind_spots", FENCE):
        assert part in user.text
    assert ctx.asks[0].purpose == "note"


async def test_judge_sees_no_names() -> None:
    ctx = judging(ANALYSIS)
    await run(ctx)
    assert "model-a" not in ctx.prompts[0]


async def test_prompt_replaces_words_but_not_the_shape() -> None:
    ctx = judging(ANALYSIS, prompt="Mind the units. {{drafts}}", system="You are strict.")
    await run(ctx)
    assert ctx.asks[0].messages[0].text == "You are strict."
    assert "Mind the units." in ctx.prompts[0]
    assert "Read the drafts against each other" not in ctx.prompts[0]
    assert '"blind_spots": ["..."]' in ctx.prompts[0]


async def test_abstaining_is_a_failure() -> None:
    """semantics 1: a judge that abstains is failed `abstained`."""
    with pytest.raises(NodeFailed) as failed:
        await run(judging("no", "no"))
    assert (failed.value.reason, failed.value.text) == ("abstained", "no")


@pytest.mark.parametrize(("repair", "calls"), [(0, 1), (2, 3)])
async def test_repair_says_how_often(repair: int, calls: int) -> None:
    ctx = judging(*["no"] * 5, repair=repair)
    with pytest.raises(NodeFailed, match="abstained"):
        await run(ctx)
    assert len(ctx.asks) == calls


@pytest.mark.parametrize("mode", ["analyze", "score", "rank", "select", "vote"])
async def test_no_draft_is_no_input(mode: str) -> None:
    """semantics 1: judge, synth and refine need at least one draft, else failed `no_input`."""
    with pytest.raises(NodeFailed, match="no_input"):
        await run(judging(sources=[], mode=mode))


# --- score ------------------------------------------------------------------------------------------------------------


async def test_scores_go_by_writing_node() -> None:
    found = await run(judging(graded(A=3, B=9, C=5), mode="score"))
    assert found == Scores(mode="score", by_node={"a": 3, "b": 9, "c": 5})
    assert (found.best_score, found.margin) == (9, 4)


async def test_both_orders_are_averaged() -> None:
    ctx = judging(graded(A=3, B=9, C=5), graded(C=7, B=9, A=5), mode="score", both_orders=True)
    assert (await run(ctx)).by_node == {"a": 4, "b": 9, "c": 6}
    there, back = ctx.prompts
    assert there.index("text of a") < there.index("text of c")
    assert back.index("text of c") < back.index("text of a")


async def test_lost_order_is_told() -> None:
    ctx = judging(graded(A=3, B=9, C=5), NodeFailed("rate_limited"), mode="score", both_orders=True)
    assert (await run(ctx)).by_node == {"a": 3, "b": 9, "c": 5}
    assert [reason for reason, _, _ in ctx.degraded] == ["rate_limited"]


async def test_both_orders_lost_is_a_failure() -> None:
    ctx = judging(NodeFailed("rate_limited"), NodeFailed("timeout_idle"), mode="score", both_orders=True)
    with pytest.raises(NodeFailed, match="rate_limited"):
        await run(ctx)


# --- rank -------------------------------------------------------------------------------------------------------------


def ranked(*labels: str) -> dict[str, Any]:
    return {"reason": "", "ranking": list(labels)}


async def test_ranking_gives_borda_points() -> None:
    """shapes 3: what the engine can count (agreement, majority, Borda) is counted, not asked for."""
    assert await run(judging(ranked("B", "C", "A"), mode="rank")) == Scores(
        mode="rank", by_node={"a": 0, "b": 2, "c": 1}
    )


async def test_rankings_of_both_orders_are_averaged() -> None:
    ctx = judging(ranked("B", "C", "A"), ranked("C", "B", "A"), mode="rank", both_orders=True)
    assert (await run(ctx)).by_node == {"a": 0, "b": 1.5, "c": 1.5}


async def test_guessed_ranking_is_asked_for_again() -> None:
    ctx = judging(ranked("B", "A"), ranked("B", "A", "C"), mode="rank")
    assert (await run(ctx)).by_node == {"a": 1, "b": 2, "c": 0}
    assert "C is missing" in ctx.prompts[1]


# --- select -----------------------------------------------------------------------------------------------------------


def choice(label: str) -> dict[str, str]:
    return {"reason": "", "choice": label}


async def test_selected_draft_is_verbatim() -> None:
    """semantics 2: a draft keeps the id of the node that wrote it through select."""
    panel = drafts("a", "b")
    ctx = judging(choice("B"), sources=inputs(panel=panel), mode="select", present={"max_chars": 3})
    assert await run(ctx) is panel.items[1]
    assert "cut here" in ctx.prompts[0]


async def test_orders_that_disagree_are_a_tie() -> None:
    ctx = judging(choice("C"), choice("B"), mode="select", both_orders=True)
    assert (await run(ctx)).node == "b"


@pytest.mark.parametrize("mode", ["select", "rank"])
async def test_one_draft_needs_no_call(mode: str) -> None:
    one = draft("a")
    ctx = judging(sources=inputs(one=one), mode=mode)
    assert await run(ctx) == (one if mode == "select" else Scores(mode="rank", by_node={"a": 0.0}))
    assert ctx.asks == []


async def test_tie_goes_to_the_earlier_input_however_shown() -> None:
    ctx = Scripted(
        make_node(KIND, mode="select", both_orders=True), PANEL, choice("A"), choice("B"), order=("c", "b", "a")
    )
    assert (await run(ctx)).node == "b"


# --- what the file says -----------------------------------------------------------------------------------------------


def found(**options: Any) -> list[tuple[str, str]]:
    spec = NodeSpec(id=NodeId("verdict"), kind="judge", options=options)
    return [(code, where) for code, where, _ in KIND.check(spec, {})]


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ({"model": "a/x"}, []),
        ({}, [("FG112", "")]),
        ({"mode": "vote"}, []),
        ({"mode": "vote", "compare": "list"}, [("FG116", "/compare")]),
        ({"mode": "score", "model": "a/x", "compare": "pairs"}, [("FG116", "/compare")]),
        ({"model": "a/x", "both_orders": True}, [("FG116", "/both_orders")]),
        ({"mode": "rank", "model": "a/x", "compare": "pairs", "both_orders": True}, []),
    ],
)
def test_options_go_together(options: dict[str, Any], codes: list[tuple[str, str]]) -> None:
    assert found(**options) == codes


@pytest.mark.parametrize(
    ("options", "drafts_seen", "calls"),
    [
        ({}, 3, (1, 1)),
        ({"mode": "score", "both_orders": True}, 3, (2, 2)),
        ({"mode": "rank"}, 3, (0, 1)),
        ({"mode": "rank"}, 1, (0, 0)),
        ({"mode": "select", "compare": "pairs"}, 4, (0, 6)),
        ({"mode": "rank", "compare": "pairs", "both_orders": True}, 4, (0, 12)),
        ({"mode": "vote"}, 9, (0, 0)),
    ],
)
def test_calls_are_known_before(options: dict[str, Any], drafts_seen: int, calls: tuple[int, int]) -> None:
    """semantics 2: pairs = n(n-1)/2 calls, doubled by `both_orders`."""
    assert KIND.calls(make_node(KIND, **options), drafts_seen) == calls


def test_mode_says_what_it_gives() -> None:
    given = {mode: KIND.gives({"mode": mode}) for mode in ("analyze", "score", "rank", "select", "vote")}
    assert given == {"analyze": "analysis", "score": "scores", "rank": "scores", "select": "draft", "vote": "vote"}
    assert not KIND.calls_model({"mode": "vote"})


def test_judge_keeps_its_own_temperature() -> None:
    """semantics 5: a judge ignores `defaults.temperature` and `top_p` (its own value, else 0)."""
    assert {"temperature", "top_p"} <= KIND.ignores
    assert KIND.defaults == {"temperature": 0}


def test_schema_says_what_goes() -> None:
    assert not problems(KIND.schema["repair"], 0)
    assert problems(KIND.schema["repair"], 9)
    assert problems(KIND.schema["mode"], "weigh")
    assert problems(KIND.schema["extract"], "first_number")
