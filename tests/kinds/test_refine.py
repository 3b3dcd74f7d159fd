"""refine: critique and rewrite, and never worse than it was."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.contracts import Input
from fusion_graph.errors import NodeFailed
from fusion_graph.graph.structure import problems
from fusion_graph.kinds._verdicts import GRADES
from fusion_graph.kinds.refine import KIND
from fusion_graph.messages import Completion, ToolCall
from fusion_graph.outputs import Analysis, Gives, Vote
from fusion_graph.pipeline import Edge, NodeId, NodeSpec
from tests.kinds.scripted import ASKED, Reply, Scripted, draft, drafts, inputs, make_node, run

PARENT = draft("answer", "first text")
FAULTY = {"issues": [{"problem": "a slip", "fix": "mend it"}], "accept": False}
ACCEPTED = {"issues": [], "accept": True}
CALL = (ToolCall(id="1", name="f", arguments="{}"),)


def refining(*replies: Reply, sources: list[Input] | None = None, **options: Any) -> Scripted:
    return Scripted(make_node(KIND, **options), sources or inputs(answer=PARENT), *replies)


def rated(grade: float, *, accept: bool = False) -> dict[str, Any]:
    return {"issues": [{"problem": "p", "fix": ""}], **dict.fromkeys(GRADES, grade), "accept": accept}


async def test_critique_then_rewrite() -> None:
    """design 2: critique and rewrite are two calls."""
    ctx = refining(FAULTY, "second text")
    found = await run(ctx)
    assert (found.text, found.node) == ("second text", "n")
    critique, rewrite = ctx.asks
    assert (critique.purpose, rewrite.purpose) == ("note", "final")
    assert "first text" in ctx.prompts[0]
    assert "What is six times seven?" in ctx.prompts[0]
    assert rewrite.messages[:-1] == ASKED
    assert "- a slip Mend it so: mend it" in ctx.prompts[1]
    assert "Write the whole reply and nothing else." in ctx.prompts[1]


async def test_accepted_text_is_handed_on() -> None:
    """semantics 3: critique accepts: parent."""
    ctx = refining(ACCEPTED)
    assert await run(ctx) is PARENT
    assert ctx.degraded == []


async def test_only_the_last_rounds_rewrite_is_final() -> None:
    """semantics 3: first content of a rewrite that no further critique can follow (last round)."""
    ctx = refining(FAULTY, "second", FAULTY, "third", FAULTY, "fourth", rounds=3)
    assert (await run(ctx)).text == "fourth"
    assert [ask.purpose for ask in ctx.asks] == ["note", "draft", "note", "draft", "note", "final"]
    assert [ask.round for ask in ctx.asks] == [0, 0, 1, 1, 2, 2]
    assert "third" in ctx.prompts[4]


async def test_acceptance_ends_the_rounds() -> None:
    ctx = refining(FAULTY, "second", ACCEPTED, rounds=3)
    assert (await run(ctx)).text == "second"
    assert ctx.left == 0


async def test_unchanged_rewrite_ends_the_rounds() -> None:
    """shapes 3: stop when accepted or unchanged."""
    ctx = refining(FAULTY, "first text\n", rounds=3)
    assert await run(ctx) is PARENT
    assert ctx.degraded == []


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Completion(text="  "), "empty_output"),
        (Completion(text="cut o", finish_reason="length"), "truncated"),
        (Completion(text="I will not", refusal="no"), "refused"),
        (NodeFailed("unusable:match"), "unusable:match"),
        (NodeFailed("timeout_idle"), "timeout_idle"),
    ],
)
@pytest.mark.parametrize("keep_best", [False, True])
async def test_bad_rewrite_never_replaces_its_parent(reply: Reply, reason: str, *, keep_best: bool) -> None:
    """design 2: an unusable revision never replaces its parent. semantics 3: a blank or failed rewrite: parent."""
    ctx = refining(rated(5) if keep_best else FAULTY, reply, keep_best=keep_best)
    assert await run(ctx) is PARENT
    assert [entry[0] for entry in ctx.degraded] == [reason]


async def test_later_failure_keeps_the_earlier_revision() -> None:
    ctx = refining(FAULTY, "second", FAULTY, NodeFailed("timeout_idle"), rounds=2)
    assert (await run(ctx)).text == "second"


@pytest.mark.parametrize("replies", [[NodeFailed("rate_limited")], ["no", "no"]])
async def test_failed_critique_hands_the_parent_on(replies: list[Reply]) -> None:
    ctx = refining(*replies)
    assert await run(ctx) is PARENT
    assert [entry[2] for entry in ctx.degraded] == ["kept the text as it was"]


async def test_text_being_read_is_not_taken_back() -> None:
    """semantics 3: a failure after the first token is an error, and what was sent is the answer."""
    cut = refining(FAULTY, Completion(text="cut o", finish_reason="length"))
    cut.committed = True
    assert (await run(cut)).text == "cut o"
    lost = refining(FAULTY, NodeFailed("truncated_stream"))
    lost.committed = True
    with pytest.raises(NodeFailed, match="truncated_stream"):
        await run(lost)


# --- tool calls -------------------------------------------------------------------------------------------------------


async def test_tool_calls_are_never_refined() -> None:
    """semantics 3: a draft with tool calls is never refined; refine hands it on without a call."""
    calling = draft("answer", tool_calls=CALL)
    ctx = refining(sources=inputs(answer=calling))
    assert await run(ctx) is calling
    assert ctx.asks == []


@pytest.mark.parametrize("keep_best", [False, True])
async def test_rewrite_that_calls_tools_is_the_answer(*, keep_best: bool) -> None:
    """semantics 3: a draft with tool calls is an answer."""
    reply = Completion(tool_calls=CALL, finish_reason="tool_calls")
    ctx = refining(rated(5) if keep_best else FAULTY, reply, rounds=2, keep_best=keep_best)
    assert (await run(ctx)).tool_calls == CALL
    assert ctx.left == 0


# --- keep_best --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("grades", "best"), [((5, 7, 9), "third"), ((5, 9, 7), "second"), ((9, 5, 9), "first text")])
async def test_best_score_wins_and_ties_go_to_the_earlier(grades: tuple[float, ...], best: str) -> None:
    """semantics 3: at most 2r+1 calls, highest score wins, tie = earlier."""
    a, b, c = map(rated, grades)
    ctx = refining(a, "second", b, "third", c, rounds=2, keep_best=True)
    assert (await run(ctx)).text == best
    assert [ask.purpose for ask in ctx.asks] == ["note", "draft", "note", "draft", "note"]


async def test_text_without_a_score_cannot_win() -> None:
    ctx = refining(rated(2), "second", NodeFailed("rate_limited"), keep_best=True)
    assert await run(ctx) is PARENT
    assert [entry[0] for entry in ctx.degraded] == ["rate_limited"]


async def test_accepted_text_ends_the_search() -> None:
    ctx = refining(rated(4), "second", rated(9, accept=True), rounds=5, keep_best=True)
    assert (await run(ctx)).text == "second"


def test_keep_best_is_held() -> None:
    """semantics 3: the writer is held until accepted if it has `keep_best`."""
    assert KIND.held(KIND.parse({"keep_best": True})) == "keep_best"
    assert KIND.held(KIND.parse({})) == ""


# --- references -------------------------------------------------------------------------------------------------------


async def test_other_drafts_and_analyses_are_reference() -> None:
    """semantics 2: the first draft input is the text to refine; other drafts and analyses are reference."""
    sources = inputs(
        panel=drafts("a"), answer=PARENT, verdict=Analysis(blind_spots=("units",)), other=draft("b"), again=PARENT
    )
    ctx = refining(FAULTY, "second text", sources=sources)
    await run(ctx)
    for prompt in ctx.prompts:
        assert all(part in prompt for part in ("text of a", "text of b", "- units"))
        assert prompt.count("first text") == 1


async def test_vote_can_be_refined() -> None:
    vote = Vote(draft=PARENT, agreement=1.0, margin=1.0)
    assert await run(refining(ACCEPTED, sources=inputs(vote=vote))) is PARENT


async def test_group_alone_is_no_text() -> None:
    with pytest.raises(NodeFailed, match="no_input"):
        await run(refining(sources=inputs(panel=drafts("a"))))


async def test_prompt_speaks_in_both_calls() -> None:
    ctx = refining(FAULTY, "second text", prompt="Check every number. {{drafts}}", system="You are strict.")
    await run(ctx)
    for ask in ctx.asks:
        assert ask.messages[0].text == "You are strict."
        assert "Check every number." in ask.messages[-1].text
        assert "first text" in ask.messages[-1].text
    assert '"accept": false' in ctx.prompts[0]


# --- what the file says -----------------------------------------------------------------------------------------------


def found(**edges: tuple[Gives, bool]) -> list[tuple[str, str]]:
    spec = NodeSpec(
        id=NodeId("polish"),
        kind="refine",
        inputs=tuple(Edge(NodeId(name), optional) for name, (_, optional) in edges.items()),
    )
    given = {name: gives for name, (gives, _) in edges.items()}
    return [(code, where) for code, where, _ in KIND.check(spec, given)]


def test_text_to_refine_must_be_bare() -> None:
    """semantics 2: the first draft input is the text to refine and must be bare."""
    assert found(answer=("draft", False), verdict=("analysis", True)) == []
    assert found(verdict=("analysis", True), answer=("draft", True)) == [("FG404", "/inputs/1")]
    assert found(panel=("drafts", False)) == [("FG404", "/inputs")]


@pytest.mark.parametrize(
    ("options", "calls"), [({}, (1, 2)), ({"rounds": 3}, (1, 6)), ({"rounds": 3, "keep_best": True}, (1, 7))]
)
def test_calls_are_known_before(options: dict[str, Any], calls: tuple[int, int]) -> None:
    """semantics 3: at most 2r+1 calls."""
    assert KIND.calls(make_node(KIND, **options), 3) == calls


def test_it_hands_on_and_writes() -> None:
    assert (KIND.writes, KIND.hands_on, KIND.needs_draft, KIND.presents) == (True, True, True, True)
    assert problems(KIND.schema["rounds"], 0)
    assert not problems(KIND.schema["rounds"], 2)
