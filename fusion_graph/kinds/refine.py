"""refine: criticises a text and rewrites it, round by round, and never makes it worse than it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fusion_graph.contracts import Ask, Calls, Kind, NodeContext
from fusion_graph.errors import NodeFailed, NotLaunched
from fusion_graph.graph.answers import draft_of
from fusion_graph.kinds._asking import ask_one
from fusion_graph.kinds._ladder import Form, Question
from fusion_graph.kinds._present import choose_drafts, show_conversation, show_text
from fusion_graph.kinds._prompts import instruct, read_messages, rest_inputs, write_messages
from fusion_graph.kinds._texts import CRITIC, CRITICISE, RATE, REWRITE, WHOLE
from fusion_graph.kinds._verdicts import CRITIQUE, RATED_CRITIQUE, Critique, read_critique
from fusion_graph.messages import Purpose
from fusion_graph.outputs import Draft, Gives, Vote, drafts_of
from fusion_graph.pipeline import Node, NodeSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Refine:
    """`rounds` of critique and rewrite at most. `keep_best`: each critique scores too and the highest score wins."""

    rounds: int = 1
    keep_best: bool = False


def parse(options: Mapping[str, Any]) -> Refine:
    return Refine(rounds=options.get("rounds") or 1, keep_best=bool(options.get("keep_best")))


def count_calls(node: Node, _drafts: int) -> Calls:
    """One critique that accepts, at the least; with `keep_best` one more critique, of the last text."""
    options: Refine = node.options
    return Calls(1, 2 * options.rounds + options.keep_best)


def check(spec: NodeSpec, gives: Mapping[str, Gives]) -> Sequence[tuple[str, str, str]]:
    for index, edge in enumerate(spec.inputs):
        if gives.get(edge.node) in ("draft", "vote"):
            if edge.optional:
                return [("FG404", f"/inputs/{index}", f"{edge.node} is the text to refine, so it takes no `?`")]
            return ()
    return [("FG404", "/inputs", "refine needs one text to refine: an input that gives a single draft")]


# --- what it does -----------------------------------------------------------------------------------------------------


async def run(ctx: NodeContext) -> Draft:
    """The parent is handed on if it calls tools, if the first critique accepts it, or if nothing better comes."""
    parent = next((d for i in ctx.inputs if isinstance(i.value, Draft | Vote) for d in drafts_of(i.value)), None)
    if parent is None:
        raise NodeFailed("no_input", f"{ctx.node.id} has no text to refine")
    if parent.tool_calls:
        return parent
    return await _refine_best(ctx, parent) if ctx.node.options.keep_best else await _refine(ctx, parent)


async def _refine(ctx: NodeContext, text: Draft) -> Draft:
    rounds = ctx.node.options.rounds
    for turn in range(rounds):
        critique = await _criticise(ctx, text, turn, CRITIQUE)
        if critique is None or critique.accept:
            break
        revision = await _rewrite(ctx, text, critique, turn, "final" if turn == rounds - 1 else "draft")
        if revision is None:
            break
        text = revision
        if text.tool_calls:
            break
    return text


async def _refine_best(ctx: NodeContext, text: Draft) -> Draft:
    """Every text is criticised and scored, the last one too. What nobody scored cannot win."""
    best, top, rounds = text, -1.0, ctx.node.options.rounds
    for turn in range(rounds + 1):
        critique = await _criticise(ctx, text, turn, RATED_CRITIQUE)
        if critique is None:
            break
        if critique.score is not None and critique.score > top:
            best, top = text, critique.score
        if critique.accept or turn == rounds:
            break
        revision = await _rewrite(ctx, text, critique, turn, "draft")
        if revision is None:
            break
        if revision.tool_calls:
            return revision
        text = revision
    return best


async def _criticise(ctx: NodeContext, text: Draft, turn: int, form: Form) -> Critique | None:
    """None if the critique failed, which is reported."""
    own = CRITICISE if form is CRITIQUE else f"{CRITICISE}\n\n{RATE}"
    first = (show_conversation(ctx), show_text(ctx, "the text", text.text))
    asked = instruct(ctx, own, _references(ctx), first=first, last=form.request)
    try:
        question = Question(read_messages(ctx, CRITIC, asked), read_critique, form, repair=1, begin=turn)
        return await ask_one(ctx, question)
    except NotLaunched:
        raise
    except NodeFailed as failed:
        ctx.degrade(failed.reason, f"critique {turn + 1} failed: {failed}", "kept the text as it was")
        return None


async def _rewrite(ctx: NodeContext, text: Draft, critique: Critique, turn: int, purpose: Purpose) -> Draft | None:
    """None if there is nothing that may replace the text: the call failed, its text is blank, cut off or the same. What
    the caller is reading already stands."""
    faults = "\n".join(f"- {problem}" + (f" Mend it so: {fix}" if fix else "") for problem, fix in critique.issues)
    first = (show_text(ctx, "the text", text.text), show_text(ctx, "its faults", faults))
    messages = write_messages(ctx, instruct(ctx, REWRITE, _references(ctx), first=first, last=WHOLE))
    try:
        revision = draft_of(ctx.node, await ctx.complete(Ask(messages, purpose, turn)))
    except NodeFailed as failed:
        if ctx.committed:
            raise
        ctx.degrade(failed.reason, f"rewrite {turn + 1} failed: {failed}", "kept the text before it")
        return None
    if revision.tool_calls or ctx.committed:
        return revision
    if not revision.text.strip() or revision.truncated or revision.refused:
        reason = "truncated" if revision.truncated else "refused" if revision.refused else "empty_output"
        ctx.degrade(reason, f"rewrite {turn + 1} is blank, cut off or a refusal", "kept the text before it")
        return None
    return None if revision.text.strip() == text.text.strip() else revision


def _references(ctx: NodeContext) -> list[Draft]:
    """The drafts beside the text to refine."""
    parent = next(i for i in ctx.inputs if isinstance(i.value, Draft | Vote))
    return choose_drafts(ctx, rest_inputs(ctx), but=drafts_of(parent.value)[0].node)


KIND = Kind(
    name="refine",
    summary="Criticises a text and rewrites it; a revision that is no better never replaces it.",
    role="refine",
    takes=frozenset({"draft", "drafts", "vote", "analysis", "scores"}),
    gives=lambda _options: "draft",
    schema={
        "rounds": {
            "type": "integer",
            "minimum": 1,
            "maximum": 8,
            "description": "Rounds of critique and rewrite, at most; 1 if absent.",
        },
        "keep_best": {
            "type": "boolean",
            "description": "Critiques score as well, the last text gets one more, and the best one is the answer.",
        },
    },
    required=("model",),
    parse=parse,
    calls=count_calls,
    writes=True,
    hands_on=True,
    presents=True,
    needs_draft=True,
    held=lambda options: "keep_best" if options.keep_best else "",
    run=run,
    check=check,
)
