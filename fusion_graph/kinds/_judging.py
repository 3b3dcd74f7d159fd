"""The model calls of a judge, by mode. What can be counted (won pairs, Borda points, means) is counted here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from fusion_graph.contracts import NodeContext
from fusion_graph.errors import NodeFailed
from fusion_graph.kinds import _analysis
from fusion_graph.kinds._ladder import Form, Question, ask_all, ask_one
from fusion_graph.kinds._present import show_conversation, unique_drafts
from fusion_graph.kinds._prompts import instruct, read_messages, rest_inputs
from fusion_graph.kinds._shapes import Labels, labels_of
from fusion_graph.kinds._texts import ANALYZE, COMPARE, JUDGE, RANK, SCORE, SELECT
from fusion_graph.kinds._verdicts import (
    CHOICE,
    COMPARISON,
    RANKING,
    SCORES,
    TIE,
    read_choice,
    read_comparison,
    read_ranking,
    read_scores,
)
from fusion_graph.outputs import Analysis, Draft
from fusion_graph.pipeline import Extract

Mode = Literal["analyze", "score", "rank", "select", "vote"]
T = TypeVar("T")


class Duty(NamedTuple, Generic[T]):
    """What a judge is asked for: the kind's own words, the form of the reply, and what a reply means."""

    own: str
    form: Form
    read: Callable[[Any, Labels], T]


ANALYZING = Duty(ANALYZE, _analysis.FORM, _analysis.read)
SCORING = Duty(SCORE, SCORES, read_scores)
RANKING_ALL = Duty(RANK, RANKING, read_ranking)
SELECTING = Duty(SELECT, CHOICE, read_choice)
COMPARING = Duty(COMPARE, COMPARISON, read_comparison)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """`repair` is how often a model may mend a reply that does not fit its schema. `extract` serves a vote over drafts
    that carry no answer of their own."""

    mode: Mode = "analyze"
    compare: Literal["list", "pairs"] = "list"
    both_orders: bool = False
    repair: int = 1
    extract: Extract | None = None


async def analyze(ctx: NodeContext, drafts: Sequence[Draft]) -> Analysis:
    asked = _question(ctx, drafts, ANALYZING, show_conversation(ctx))
    return await ask_one(ctx, asked, ANALYZING.form, repair=ctx.node.options.repair)


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
    found = await ask_all(
        ctx,
        [_question(ctx, match, COMPARING, quoted) for match in shown],
        COMPARING.form,
        repair=ctx.node.options.repair,
    )
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
    questions = [_question(ctx, order, duty, quoted) for order in orders]
    found = await ask_all(ctx, questions, duty.form, repair=options.repair)
    return _require_some(ctx, found, "judged by one order alone")


def _question(ctx: NodeContext, drafts: Sequence[Draft], duty: Duty[T], quoted: str) -> Question[T]:
    """`quoted` is the conversation, quoted once for all the questions of a node."""
    labels = labels_of(ctx, drafts)
    rest = rest_inputs(ctx)
    if rest is not ctx.inputs:
        nodes = {draft.node for draft in unique_drafts(rest)}
        drafts = [draft for draft in drafts if draft.node in nodes]
    asked = instruct(ctx, duty.own, drafts, first=(quoted,), last=duty.form.request)
    return Question(read_messages(ctx, JUDGE, asked), lambda value: duty.read(value, labels))


def _require_some(ctx: NodeContext, found: Sequence[T | NodeFailed], action: str) -> list[T]:
    """The readings that came; what is missing is reported. Raises the first failure if none came."""
    failures = [reading for reading in found if isinstance(reading, NodeFailed)]
    if len(failures) == len(found):
        raise failures[0]
    if failures:
        ctx.degrade(failures[0].reason, f"{len(failures)} of {len(found)} readings failed: {failures[0]}", action)
    return [reading for reading in found if not isinstance(reading, NodeFailed)]
