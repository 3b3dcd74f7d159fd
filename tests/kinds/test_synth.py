"""synth: one answer from drafts and analysis."""

from __future__ import annotations

import pytest

from fusion_graph.contracts import Ask
from fusion_graph.errors import NodeFailed
from fusion_graph.kinds.synth import KIND
from fusion_graph.outputs import Analysis, Scores, Vote
from tests.kinds.scripted import ASKED, FENCE, Scripted, draft, drafts, inputs, make_node, run

ANALYSIS = Analysis(consensus=("all say 42",), unique_insights=(("B", "shows the sum"),))


async def test_synth_sees_drafts_and_analysis() -> None:
    ctx = Scripted(make_node(KIND), inputs(panel=drafts("a", "b"), verdict=ANALYSIS), "It is 42.")
    answer = await run(ctx)
    assert (answer.text, answer.node) == ("It is 42.", "n")
    assert ctx.asks[0].messages[:-1] == ASKED
    assert ctx.asks[0].purpose == "final"
    for part in ("text of a", "text of b", "- all say 42", "- B: shows the sum", FENCE):
        assert part in ctx.prompts[0]


async def test_own_words_ask_for_a_reply_that_stands_alone() -> None:
    ctx = Scripted(make_node(KIND), inputs(panel=drafts("a")), "42")
    await run(ctx)
    for wish in ("by reasoning", "Do not mention drafts", "addresses of sources", "language"):
        assert wish in ctx.prompts[0].replace("\n", " ")


async def test_scores_are_shown_with_labels() -> None:
    scores = Scores(mode="score", by_node={"a": 4.0, "b": 8.5})
    ctx = Scripted(make_node(KIND), inputs(panel=drafts("a", "b"), ranking=scores), "42")
    await run(ctx)
    assert ctx.prompts[0].index("- B: 8.5") < ctx.prompts[0].index("- A: 4")


async def test_absent_analysis_is_no_hindrance() -> None:
    """semantics 1: `id?` failed or skipped is absent."""
    ctx = Scripted(make_node(KIND), inputs(panel=drafts("a")), "42")
    await run(ctx)
    assert "analysis |" not in ctx.prompts[0]


async def test_vote_counts_as_a_draft() -> None:
    chosen = Vote(draft=draft("a"), agreement=1.0, margin=1.0)
    ctx = Scripted(make_node(KIND), inputs(votes=drafts("a"), vote=chosen), "42")
    await run(ctx)
    assert ctx.prompts[0].count("text of a") == 1


async def test_analysis_without_drafts_is_no_input() -> None:
    """semantics 1: judge, synth and refine need at least one draft, else failed `no_input`."""
    with pytest.raises(NodeFailed) as failed:
        await run(Scripted(make_node(KIND), inputs(verdict=ANALYSIS)))
    assert failed.value.reason == "no_input"


async def test_tool_turn_writes_from_the_conversation() -> None:
    """semantics 3: T(synth) is itself with the conversation alone, drafts and analysis empty."""
    ctx = Scripted(make_node(KIND), [], "42")
    await run(ctx)
    assert ctx.asks == [Ask(ASKED, "final")]
    prompted = Scripted(make_node(KIND, prompt="Go on.{{drafts}}{{analysis}}"), [], "42")
    await run(prompted)
    assert prompted.prompts == ["Go on."]


async def test_prompt_places_the_analysis() -> None:
    node = make_node(KIND, prompt="A {{analysis}} Z")
    ctx = Scripted(node, inputs(panel=drafts("a"), verdict=ANALYSIS), "42")
    await run(ctx)
    assert ctx.prompts[0].endswith(" Z")
    assert "all say 42" in ctx.prompts[0]
    assert "text of a" not in ctx.prompts[0]


async def test_input_shown_apart_leaves_the_rest() -> None:
    """semantics 2: `{{input.<id>}}` shows one input, the rest stays in `{{drafts}}`."""
    node = make_node(KIND, prompt="ONE {{input.one}} REST {{drafts}}")
    ctx = Scripted(node, inputs(one=draft("one"), panel=drafts("a", "b")), "42")
    await run(ctx)
    one, rest = ctx.prompts[0].split("REST")
    assert "text of one" in one
    assert "text of one" not in rest
    assert "text of a" in rest


def test_it_takes_all_there_is() -> None:
    assert KIND.takes == {"draft", "drafts", "vote", "analysis", "scores"}
    assert (KIND.writes, KIND.presents, KIND.needs_draft) == (True, True, True)
