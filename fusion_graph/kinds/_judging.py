"""The model calls of a judge that gives points or makes a choice. What can be counted (won pairs, Borda points, means)
is counted here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TypeVar

from fusion_graph.contracts import NodeContext
from fusion_graph.errors import NodeFailed
from fusion_graph.kinds._asking import ask_all
from fusion_graph.kinds._duties import COMPARING, RANKING_ALL, SCORING, SELECTING, Duty, question_of
from fusion_graph.kinds._present import show_conversation, unique_drafts
from fusion_graph.kinds._verdicts import TIE
from fusion_graph.outputs import Draft, Scores, Value

T = TypeVar("T")


async def judge(ctx: NodeContext, drafts: Sequence[Draft]) -> Value:
    """Points or a choice. One draft alone needs no ranking and no choice, and no call."""
    options = ctx.node.options
    if options.mode == "score":
        return Scores(mode="score", by_node=await score(ctx, drafts))
    if len(drafts) == 1:
        return drafts[0] if options.mode == "select" else Scores(mode="rank", by_node={drafts[0].node: 0.0})
    if options.compare == "pairs":
        won = await compare_pairs(ctx, drafts)
        top = max(won.values())
        best = earliest(ctx, [draft for draft in drafts if won.get(draft.node) == top])
        return best if options.mode == "select" else Scores(mode="rank", by_node=won)
    if options.mode == "select":
        return await select(ctx, drafts)
    return Scores(mode="rank", by_node=await rank(ctx, drafts))


async def score(ctx: NodeContext, drafts: Sequence[Draft]) -> dict[str, float]:
    """Grade 0..10 by writing node; of two orders the mean."""
    readings = await _read_lists(ctx, drafts, SCORING)
    return {d.node: sum(r[ctx.label(d)] for r in readings) / len(readings) for d in drafts}


async def rank(ctx: NodeContext, drafts: Sequence[Draft]) -> dict[str, float]:
    """Borda points by writing node, n-1 for the best; of two orders the mean."""
    readings = await _read_lists(ctx, drafts, RANKING_ALL)
    last = len(drafts) - 1
    points = [{label: last - place for place, label in enumerate(reading)} for reading in readings]
    return {d.node: sum(p[ctx.label(d)] for p in points) / len(points) for d in drafts}


async def select(ctx: NodeContext, drafts: Sequence[Draft]) -> Draft:
    """The chosen draft itself. Two orders that disagree are a tie, and the earlier draft is taken."""
    chosen = set(await _read_lists(ctx, drafts, SELECTING))
    return earliest(ctx, [draft for draft in drafts if ctx.label(draft) in chosen])


async def compare_pairs(ctx: NodeContext, drafts: Sequence[Draft]) -> dict[str, float]:
    """Won pairs by writing node, a tie counts half. Every pair is a call of its own, two with `both_orders`, and then a
    disagreement is a tie. A pair that nobody could decide counts for neither side."""
    both, quoted = ctx.node.options.both_orders, show_conversation(ctx)
    pairs = list(combinations(drafts, 2))
    shown = [match for a, b in pairs for match in (((a, b), (b, a)) if both else ((a, b),))]
    found = await ask_all(ctx, [question_of(ctx, match, COMPARING, quoted, n) for n, match in enumerate(shown)])
    _require_some(ctx, found, "counted the other comparisons")
    won, played = dict.fromkeys((d.node for d in drafts), 0.0), dict.fromkeys((d.node for d in drafts), 0)
    orders = 2 if both else 1
    for i, pair in enumerate(pairs):
        said = {w for w in found[i * orders : (i + 1) * orders] if not isinstance(w, NodeFailed)}
        for draft in pair if said else ():
            played[draft.node] += 1
            won[draft.node] += 0.5 if len(said) > 1 or TIE in said else ctx.label(draft) in said
    return {node: won[node] * (len(drafts) - 1) / played[node] for node in won if played[node]}


def earliest(ctx: NodeContext, drafts: Sequence[Draft]) -> Draft:
    """The one that comes first among the inputs, however they are shown."""
    nodes = {draft.node for draft in drafts}
    return next(draft for draft in unique_drafts(ctx.inputs) if draft.node in nodes)


# --- asking -----------------------------------------------------------------------------------------------------------


async def _read_lists(ctx: NodeContext, drafts: Sequence[Draft], duty: Duty[T]) -> list[T]:
    """One reading of the whole list, or one per order; at least one, else NodeFailed."""
    quoted, options = show_conversation(ctx), ctx.node.options
    orders = [drafts, drafts[::-1]] if options.both_orders else [drafts]
    found = await ask_all(ctx, [question_of(ctx, order, duty, quoted, n) for n, order in enumerate(orders)])
    return _require_some(ctx, found, "judged by one order alone")


def _require_some(ctx: NodeContext, found: Sequence[T | NodeFailed], action: str) -> list[T]:
    """The readings that came; what is missing is reported. Raises the first failure if none came."""
    failures = [reading for reading in found if isinstance(reading, NodeFailed)]
    if len(failures) == len(found):
        raise failures[0].anew()
    if failures:
        ctx.degrade(failures[0].reason, f"{len(failures)} of {len(found)} readings failed: {failures[0]}", action)
    return [reading for reading in found if not isinstance(reading, NodeFailed)]
