"""The conversation so far: turns that were answered, what they cost, and the messages for the next one. A turn that
failed is no turn: it leaves everything as it was, but for what it cost. It is a series of runs in the journal; every
change of it is one line there, so that it goes on in another process, also in the middle of an answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fusion_graph.engine.record import document
from fusion_graph.engine.report import RunResult
from fusion_graph.engine.run import label, ranks
from fusion_graph.errors import UsageError
from fusion_graph.messages import Message, total_cost
from fusion_graph.store.journal import Journal
from fusion_graph.store.series import Series, take_up

COMMAND = "chat"
Document = Mapping[str, Any]
"""Of a run, as `--json` prints it and the journal keeps it."""


class Turn(NamedTuple):
    """A question and the run that answered it. `labels`: under which letter the judge was shown each node's draft."""

    question: str
    run: Document
    labels: Mapping[str, str]

    @property
    def answer(self) -> str:
        return str(self.run["answer"])


@dataclass(slots=True, kw_only=True)
class Session:
    """`runs` are all that were made, also failed and undone ones: they were paid for. A run that was cut short left no
    result, and is counted. `asked` is the last question, answered or not; `again`: asked once more, its answer takes
    the place of the last turn's. `panel`: the document of the pipeline that answers, and the values of its
    parameters."""

    series: Series
    turns: list[Turn] = field(default_factory=list)
    runs: list[Document] = field(default_factory=list)
    cut_short: list[float | None] = field(default_factory=list)  # what each may have cost
    stopped_tokens: int = 0  # of those
    panel: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None
    asked: str = ""
    again: bool = False
    _open: str = ""  # the run that answers, until it has ended: one that was cut off goes on
    _counted: float | None = 0.0  # of it, in `cut_short`
    _read: int = 0  # lines
    _written: object = None  # the panel that stands in them

    # --- what changes it ----------------------------------------------------------------------------------------------

    def ask(self, question: str, *, again: bool = False) -> str:
        """The run that shall answer: the one that was cut off, if it was asked the same."""
        self.series.title = self.series.title or question
        if self.panel != self._written:
            self._write({"panel": self.panel})
        if not self._open or (question, again) != (self.asked, self.again):
            self._write({"asked": question, "again": again})
        return self._open

    def conclude(self, result: RunResult) -> None:
        """Keep a run; it becomes a turn if it was answered."""
        places = ranks(result.bound, result.bound.seed or 0, self.messages)
        labels = {node: label(place) for node, place in places.items()}
        self._write({"ended": result.run_id, "labels": labels}, document(result))

    def stop(self, cost_usd: float | None, tokens: int = 0) -> None:
        """The run was cut short."""
        self._write({"stopped": cost_usd, "tokens": tokens})

    def drop(self) -> None:
        """The question was refused: there was no run."""
        self._write({"dropped": True})

    def undo(self) -> Turn | None:
        """Take the last turn back; the turn, None if there is none."""
        turn = self.last
        if turn is not None:
            self._write({"undone": True})
        return turn

    def reset(self) -> None:
        self._write({"reset": True})

    def count_cut_off(self) -> None:
        """What the run that was cut off has cost in other processes; what its next try costs comes on top."""
        _, usd = self.series.spent().get(self._open, (0, 0.0))
        if self._open and self._counted is not None:
            self.cut_short.append(None if usd is None else max(0.0, usd - self._counted))

    # --- lines --------------------------------------------------------------------------------------------------------

    def _write(self, line: dict[str, Any], run: Document | None = None) -> None:
        self.read(line, run)
        self.series.write(line)

    def read(self, line: Mapping[str, Any], run: Document | None = None) -> None:
        """Take in the next line, with the run that ended in it. Raises KeyError, TypeError or ValueError for what is
        none."""
        if "asked" in line:
            self.asked, self.again = str(line["asked"]), bool(line["again"])
            self._open, self._counted = self.series.run_id("answer", self._read), 0.0
        elif "panel" in line:
            source, params = line["panel"]
            self.panel = self._written = (dict(source), dict(params))
        elif "ended" in line and run is not None:
            self._open = ""
            self.runs.append(run)
            if run["answer"] is not None:
                turn = Turn(self.asked, run, {str(node): str(told) for node, told in line["labels"].items()})
                self.turns[len(self.turns) - self.again :] = [turn]
                self.again = True
        elif "stopped" in line:
            self.cut_short.append(line["stopped"])
            self.stopped_tokens += int(line.get("tokens", 0))
            self._counted = total_cost([self._counted, line["stopped"]])
        elif "dropped" in line:
            self._open = ""
        elif "undone" in line or "reset" in line:
            del self.turns[-1 if "undone" in line else 0 :]
            self._open, self.again = "", False
        self._read += 1

    # --- what it knows ------------------------------------------------------------------------------------------------

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation with the question that is asked now."""
        turns = self.turns[:-1] if self.again else self.turns
        said = [m for turn in turns for m in (Message("user", turn.question), Message("assistant", turn.answer))]
        return (*said, Message("user", self.asked))

    @property
    def cut_off(self) -> str:
        """The question whose run has not ended."""
        return self.asked if self._open else ""

    @property
    def last(self) -> Turn | None:
        return self.turns[-1] if self.turns else None

    @property
    def cost_usd(self) -> float | None:
        """Of everything; None when some price is unknown."""
        return total_cost([*(run["cost_usd"] for run in self.runs), *self.cut_short])

    @property
    def tokens(self) -> int:
        """Of everything, as far as it was reported before a turn was stopped."""
        return self.stopped_tokens + sum(int(run["usage"]["total_tokens"]) for run in self.runs)

    @property
    def seconds(self) -> float:
        return float(sum(run["timing_s"]["total"] for run in self.runs))

    @property
    def calls(self) -> int:
        return sum(node["attempts"] for run in self.runs for node in run["nodes"])

    def written(self, name: str) -> str:
        """The conversation as a file of this name holds it: JSON for .json, else Markdown."""
        return as_json(self.turns) if name.endswith(".json") else as_markdown(self.turns)


def begin(journal: Journal) -> Session:
    """A new one. It stands in the journal once something was asked."""
    return Session(series=Series(journal=journal, command=COMMAND))


def resume(journal: Journal, name: str) -> Session:
    """A conversation taken up again; `last` is the newest. Raises UsageError."""
    series = take_up(journal, COMMAND, name)
    session = Session(series=series)
    for number, line in enumerate(series.lines, start=1):
        try:
            session.read(line, series.document(line["ended"]) if "ended" in line else None)
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise UsageError(f"line {number} of conversation {series.id} is none", hint="begin a new one") from fault
    if not series.lines:
        raise UsageError(f"conversation {series.id} holds nothing to go on with", hint="begin a new one")
    session.count_cut_off()
    return session


def as_markdown(turns: Sequence[Turn]) -> str:
    parts = [f"**You:** {turn.question}\n\n**{turn.run['pipeline']}:** {turn.answer}\n" for turn in turns]
    return "\n".join(parts)


def as_json(turns: Sequence[Turn]) -> str:
    told = [{"question": turn.question, **turn.run} for turn in turns]
    return json.dumps({"turns": told}, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def costs_by_model(runs: Iterable[Document]) -> Mapping[tuple[str, str], float | None]:
    """Dollars by model and role, dearest first; unknown ones first of all."""
    costs: dict[tuple[str, str], list[float | None]] = {}
    for run in runs:
        for part in run["cost_breakdown"]:
            costs.setdefault((part["model"], part["role"]), []).append(part["cost_usd"])
    totals: dict[tuple[str, str], Any] = {key: total_cost(parts) for key, parts in costs.items()}
    return dict(sorted(totals.items(), key=lambda item: (item[1] is not None, -(item[1] or 0.0), item[0])))
