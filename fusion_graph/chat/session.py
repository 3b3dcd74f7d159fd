"""The conversation so far: turns that were answered, what they cost, and the messages for the next one. A turn that
failed is no turn: it leaves everything as it was, but for what it cost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from fusion_graph.engine.record import document
from fusion_graph.engine.report import RunResult, total_cost
from fusion_graph.engine.run import label, ranks
from fusion_graph.messages import Message


class Turn(NamedTuple):
    """A question and the run that answered it."""

    question: str
    result: RunResult

    @property
    def answer(self) -> str:
        return self.result.text


@dataclass(slots=True, kw_only=True)
class Session:
    """`runs` are all that were made, also failed and undone ones: they were paid for. A run that was cut short left no
    result, and is counted."""

    turns: list[Turn] = field(default_factory=list)
    runs: list[RunResult] = field(default_factory=list)
    cut_short: list[float | None] = field(default_factory=list)  # what each may have cost

    def messages(self, question: str) -> tuple[Message, ...]:
        """The conversation with a further question."""
        said = [m for turn in self.turns for m in (Message("user", turn.question), Message("assistant", turn.answer))]
        return (*said, Message("user", question))

    def add(self, question: str, result: RunResult) -> None:
        """Keep a run; it becomes a turn if it was answered."""
        self.runs.append(result)
        if result.answer is not None:
            self.turns.append(Turn(question, result))

    def undo(self) -> Turn | None:
        """Take the last turn back; the turn, None if there is none."""
        return self.turns.pop() if self.turns else None

    def reset(self) -> None:
        self.turns.clear()

    @property
    def last(self) -> Turn | None:
        return self.turns[-1] if self.turns else None

    def labels(self) -> Mapping[str, str]:
        """Of the last turn: the blind label under which each node's draft was shown to the judge."""
        if self.last is None:
            return {}
        bound, before = self.last.result.bound, replace(self, turns=self.turns[:-1])
        places = ranks(bound, bound.seed or 0, before.messages(self.last.question))
        return {node: label(place) for node, place in places.items()}

    @property
    def cost_usd(self) -> float | None:
        """Of everything; None when some price is unknown."""
        return total_cost([*(run.cost_usd for run in self.runs), *self.cut_short])

    @property
    def tokens(self) -> int:
        return sum(run.usage.total_tokens for run in self.runs)

    @property
    def seconds(self) -> float:
        return sum(run.timing_s["total"] for run in self.runs)

    @property
    def calls(self) -> int:
        return sum(node.attempts for run in self.runs for node in run.nodes)

    def written(self, name: str) -> str:
        """The conversation as a file of this name holds it: JSON for .json, else Markdown."""
        return as_json(self.turns) if name.endswith(".json") else as_markdown(self.turns)


def as_markdown(turns: Sequence[Turn]) -> str:
    parts = [f"**You:** {turn.question}\n\n**{turn.result.pipeline}:** {turn.answer}\n" for turn in turns]
    return "\n".join(parts)


def as_json(turns: Sequence[Turn]) -> str:
    told = [{"question": turn.question, **document(turn.result)} for turn in turns]
    return json.dumps({"turns": told}, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def costs_by_model(runs: Iterable[RunResult]) -> Mapping[tuple[str, str], float | None]:
    """Dollars by model and role, dearest first; unknown ones first of all."""
    costs: dict[tuple[str, str], list[float | None]] = {}
    for run in runs:
        for node in run.nodes:
            if node.attempts:
                costs.setdefault((node.model, node.role), []).append(node.cost_usd)
    totals: dict[tuple[str, str], Any] = {key: total_cost(parts) for key, parts in costs.items()}
    return dict(sorted(totals.items(), key=lambda item: (item[1] is not None, -(item[1] or 0.0), item[0])))
