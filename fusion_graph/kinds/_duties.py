"""What a judge may be asked for, and the question that asks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from fusion_graph.contracts import NodeContext
from fusion_graph.kinds import _analysis
from fusion_graph.kinds._ladder import Form, Question
from fusion_graph.kinds._present import unique_drafts
from fusion_graph.kinds._prompts import instruct, read_messages, rest_inputs
from fusion_graph.kinds._shapes import Labels, labels_of
from fusion_graph.kinds._texts import ANALYZE, COMPARE, JUDGE, RANK, SCORE, SELECT
from fusion_graph.kinds._verdicts import (
    CHOICE,
    COMPARISON,
    RANKING,
    SCORES,
    read_choice,
    read_comparison,
    read_ranking,
    read_scores,
)
from fusion_graph.outputs import Draft

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
DUTIES: Mapping[str, Duty[Any]] = {
    "analyze": ANALYZING, "score": SCORING, "rank": RANKING_ALL, "select": SELECTING
}  # fmt: skip
"""By mode; COMPARING is how rank and select go by pairs."""


def question_of(ctx: NodeContext, drafts: Sequence[Draft], duty: Duty[T], quoted: str, number: int = 0) -> Question[T]:
    """About these drafts. `quoted` is the conversation, quoted once for all the questions of a node, and `number` this
    one's among them."""
    labels = labels_of(ctx, drafts)
    rest = rest_inputs(ctx)
    if rest is not ctx.inputs:
        nodes = {draft.node for draft in unique_drafts(rest)}
        drafts = [draft for draft in drafts if draft.node in nodes]
    asked = instruct(ctx, duty.own, drafts, first=(quoted,), last=duty.form.request)
    messages, repair = read_messages(ctx, JUDGE, asked), ctx.node.options.repair
    return Question(messages, lambda value: duty.read(value, labels), duty.form, repair=repair, begin=number)
