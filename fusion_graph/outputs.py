"""What nodes give: drafts, analyses, scores, choices; and the outcome that wraps one. Pure values.

`FIELDS` names, for each type of output, what a `when` may read: properties of the value of the same name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from fusion_graph.messages import FinishReason, ToolCall
from fusion_graph.values import frozen, mypyc_attr

Gives = Literal["draft", "drafts", "analysis", "scores", "vote"]
"""What a node's value is. `vote` is a draft chosen by count, so it counts as a draft wherever drafts are taken."""

State = Literal["ok", "cached", "replayed", "skipped", "failed", "cancelled"]

FIELDS: Mapping[Gives, tuple[str, ...]] = {
    "draft": ("truncated", "chars"),
    "drafts": ("count", "agreement"),
    "analysis": ("consensus", "contradictions", "partial_coverage", "unique_insights", "blind_spots"),
    "scores": ("best_score", "margin"),
    "vote": ("agreement", "margin", "truncated", "chars"),
}


@mypyc_attr(acyclic=True)
@dataclass(init=False, slots=True, unsafe_hash=True)
class Draft:
    """One model's text. `node` is the node that wrote it, kept through joins, fallbacks and selections.

    `answer` is what the node's `extract` found (None: nothing, an abstention in every vote); `refusal` what the model
    said of why it would not, beside its text.
    """

    text: Final[str]
    node: Final[str]
    model: Final[str]
    answer: Final[str | None]
    finish_reason: Final[FinishReason]
    refusal: Final[str]
    tool_calls: Final[tuple[ToolCall, ...]]
    simulated: Final[bool]
    logprobs: Final[Mapping[str, Any] | None]  # of its tokens, as the backend gave them
    stop_sequence: Final[str]  # the stop text that ended it, where the backend said so

    def __init__(
        self,
        text: str,
        node: str,
        model: str = "",
        answer: str | None = None,
        finish_reason: FinishReason = "stop",
        refusal: str = "",
        tool_calls: tuple[ToolCall, ...] = (),
        simulated: bool = False,
        logprobs: Mapping[str, Any] | None = None,
        stop_sequence: str = "",
    ) -> None:
        self.text = text
        self.node = node
        self.model = model
        self.answer = answer
        self.finish_reason = finish_reason
        self.refusal = refusal
        self.tool_calls = tool_calls
        self.simulated = simulated
        self.logprobs = logprobs
        self.stop_sequence = stop_sequence

    @property
    def truncated(self) -> bool:
        return self.finish_reason == "length"

    @property
    def refused(self) -> bool:
        """By the model, or by a filter."""
        return bool(self.refusal) or self.finish_reason == "content_filter"

    @property
    def chars(self) -> int:
        return len(self.text)


@frozen
class Drafts:
    """A group's drafts in member order; one immutable list that every consumer reads. Of a group of groups all drafts,
    and that is what is counted."""

    items: tuple[Draft, ...]

    @property
    def count(self) -> int:
        return len(self.items)

    @property
    def agreement(self) -> float:
        """Drafts of the largest answer / all drafts; 0.0 when nobody gave an answer."""
        tally = Counter(d.answer for d in self.items if d.answer is not None)
        return max(tally.values()) / len(self.items) if tally else 0.0


@frozen
class Contradiction:
    topic: str
    stances: tuple[tuple[str, str], ...]  # (label, stance)


@frozen
class Analysis:
    """A judge's reading of the drafts. `models` are labels (A, B, ...) where the drafts were shown blind."""

    consensus: tuple[str, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    partial_coverage: tuple[tuple[tuple[str, ...], str], ...] = ()  # (labels, point)
    unique_insights: tuple[tuple[str, str], ...] = ()  # (label, insight)
    blind_spots: tuple[str, ...] = ()


@frozen
class Scores:
    """A judge's score per draft, by the id of the node that wrote it: higher is better. A ranking of n drafts scores
    n-1 .. 0 (its Borda points); ties share the mean of their places."""

    mode: Literal["score", "rank"]
    by_node: Mapping[str, float] = field(default_factory=dict)

    @property
    def best_score(self) -> float:
        return max(self.by_node.values(), default=0.0)

    @property
    def margin(self) -> float:
        """Best minus second best; with one draft the best score itself."""
        ordered = sorted(self.by_node.values(), reverse=True)
        return ordered[0] - (ordered[1] if len(ordered) > 1 else 0.0) if ordered else 0.0


@frozen
class Vote:
    """The draft that won a count, verbatim. `margin` = (votes of the winner - votes of the next) / members with a
    value."""

    draft: Draft
    agreement: float
    margin: float

    @property
    def truncated(self) -> bool:
        return self.draft.truncated

    @property
    def chars(self) -> int:
        return self.draft.chars


Value: TypeAlias = Draft | Drafts | Analysis | Scores | Vote


@mypyc_attr(acyclic=True)
@dataclass(init=False, slots=True, unsafe_hash=True)
class Outcome:
    """How a node ended. `value` is there exactly in the states ok, cached and replayed; `reason` in all others."""

    state: Final[State]
    value: Final[Value | None]
    reason: Final[str]
    detail: Final[str]

    def __init__(
        self,
        state: State,
        value: Value | None = None,
        reason: str = "",
        detail: str = "",
    ) -> None:
        self.state = state
        self.value = value
        self.reason = reason
        self.detail = detail


def drafts_of(value: Value | None) -> tuple[Draft, ...]:
    """The drafts in a value, in order: one for a draft or a vote, all of a group's, none of an analysis or scores."""
    if isinstance(value, Draft):
        return (value,)
    if isinstance(value, Drafts):
        return value.items
    return (value.draft,) if isinstance(value, Vote) else ()
