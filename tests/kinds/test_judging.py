"""What a judge shows and asks for where the author says what is shown; the modes are tested with the kind."""

from __future__ import annotations

from fusion_graph.kinds._judging import earliest
from fusion_graph.kinds._present import choose_drafts
from tests.kinds.scripted import Scripted, draft, drafts, inputs, make_node, run

TWO = inputs(one=draft("one"), panel=drafts("a", "b"))


async def test_input_shown_apart_is_not_shown_twice() -> None:
    """semantics 2: `{{input.<id>}}` shows one input, the rest stays in `{{drafts}}`."""
    node = make_node("judge", mode="select", prompt="ONE {{input.one}} REST {{drafts}}")
    ctx = Scripted(node, TWO, {"reason": "", "choice": "A"})
    assert (await run(ctx)).node == "one"
    one, rest = ctx.prompts[0].split("REST")
    assert "text of one" in one
    assert "text of one" not in rest
    assert "text of b" in rest


async def test_conversation_is_quoted_whatever_the_prompt() -> None:
    ctx = Scripted(make_node("judge", mode="select", prompt="Choose. {{drafts}}"), TWO, {"choice": "A"})
    await run(ctx)
    assert "What is six times seven?" in ctx.prompts[0]


async def test_only_shown_drafts_are_judged() -> None:
    node = make_node("judge", mode="score", present={"select": {"random": 2}})
    seen = choose_drafts(Scripted(node, TWO), TWO)
    ctx = Scripted(node, TWO, order=("one", "a", "b"))
    ctx.reply({"scores": {ctx.label(d): 5 for d in seen}})
    assert (await run(ctx)).by_node == {d.node: 5 for d in seen}
    assert ctx.prompts[0].count("<<< draft ") == len(seen) == 2


def test_earliest_goes_by_the_inputs() -> None:
    ctx = Scripted(make_node("judge"), TWO, order=("b", "a", "one"))
    assert earliest(ctx, list(reversed(drafts("a", "b").items))).node == "a"
