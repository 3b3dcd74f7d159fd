"""Drives a plan by hand, without clock or tasks: a pipeline from the text of its nodes, and a Progress that is told by
node id what happened. Nodes computed in code are folded at once, as the engine does."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from textwrap import dedent, indent
from typing import Any, Literal

from fusion_graph.contracts import WaitFirst, WaitGroup
from fusion_graph.graph import options, reader
from fusion_graph.graph.binding import bind
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.plan import DONE, IDLE, RUNNING, Timer
from fusion_graph.graph.progress import Progress
from fusion_graph.kinds import KINDS
from fusion_graph.outputs import Analysis, Draft, Drafts, Outcome, Scores, Value, Vote, drafts_of
from fusion_graph.pipeline import Edge, NodeId, NodeSpec, Pipeline


def pipeline_of(nodes: str, **top: Any) -> Pipeline:
    """A pipeline read from the text of its nodes; the last one is the output unless `output` says otherwise."""
    text = dedent(nodes).strip()
    ids = re.findall(r"^([a-z][a-z0-9_-]*):", text, re.MULTILINE)
    head = {"version": 1, "name": "test", "output": ids[-1], **top}
    lines = [f"{key}: {json.dumps(value)}" for key, value in head.items()]
    source = "\n".join([*lines, "nodes:", indent(text, "  ")])
    return reader.load(source.encode(), file="test.yaml", kinds=KINDS)


def bound_of(nodes: str, *, values: Mapping[str, Any] | None = None, **top: Any) -> Bound:
    """Bound to these parameter values."""
    return bind(pipeline_of(nodes, **top), KINDS, values)


def spec(name: str, kind: str = "proposer", inputs: Sequence[str] = (), **options: Any) -> NodeSpec:
    """A plain node; `id?` is an optional edge. A model-call node gets a model of its own."""
    edges = tuple(Edge(NodeId(entry.removesuffix("?")), entry.endswith("?")) for entry in inputs)
    when, after = options.pop("when", None), options.pop("after", ())
    if KINDS[kind].calls_model(options):
        options.setdefault("model", f"m/{name}")
    return NodeSpec(id=NodeId(name), kind=kind, inputs=edges, when=when, after=tuple(after), options=options)


def bound_specs(specs: Sequence[NodeSpec]) -> Bound:
    """Bound without a file; the last node is the output."""
    return bind(Pipeline(name="test", nodes=tuple(specs), output=specs[-1].id), KINDS)


class Walk:
    """One run of a plan. `started` are the calls asked for, in order; `cancelled` those asked to end; `armed` the
    timers."""

    def __init__(self, bound: Bound | str, **top: Any) -> None:
        self.bound = bound_of(bound, **top) if isinstance(bound, str) else bound
        self.plan = self.bound.plan
        self.progress = Progress(self.plan)
        self.started: list[str] = []
        self.cancelled: list[str] = []
        self.armed: dict[Timer, float] = {}
        self.settled: list[str] = []
        self.progress.begin()
        self._drain()

    # --- telling ----------------------------------------------------------------------------------------------------

    def finish(self, node: str, value: Value | str = "text", *, answer: str | None = None) -> None:
        """The node ended with a value; a text stands for a draft."""
        if isinstance(value, str):
            value = Draft(text=value, node=node, answer=answer)
        self._tell(node, Outcome("ok", value))

    def fail(self, node: str, reason: str = "broken") -> None:
        self._tell(node, Outcome("failed", None, reason))

    def _tell(self, node: str, outcome: Outcome) -> None:
        assert node in self.running, f"{node} is not running"
        self.progress.finished(self.plan.index[node], outcome)
        self._drain()

    def begin(self, node: str) -> None:
        """The node's first call is under way."""
        self.progress.started(self.plan.index[node])
        self._drain()

    def speak(self, node: str) -> None:
        """The node's text has begun to reach the caller."""
        self.progress.first_content(self.plan.index[node])
        self._drain()

    def fire(self, kind: Literal["grace", "hedge"], node: str, option: str = "") -> None:
        """A timer runs out; it must have been asked for."""
        timer = Timer(kind, self.plan.index[node], self.plan.index[option] if option else -1)
        assert timer in self.armed, f"nobody armed {timer}"
        self.progress.fired(timer)
        self._drain()

    def close(self, reason: str = "deadline") -> None:
        self.progress.close(reason)
        self._drain()

    def end(self, reason: str = "deadline") -> None:
        self.progress.end(reason)
        self._drain()

    # --- what it answered -------------------------------------------------------------------------------------------

    @property
    def running(self) -> list[str]:
        """Calls that were asked for and have not ended, in file order."""
        return [self.plan.ids[i] for i, state in enumerate(self.progress.states) if state.phase == RUNNING]

    def outcome(self, node: str) -> Outcome | None:
        return self.progress.states[self.plan.index[node]].outcome

    def says(self, node: str) -> str:
        """How a node ended: `ok`, or its state and reason; `idle` or `open` before that."""
        outcome = self.outcome(node)
        if outcome is None:
            return "idle" if self.progress.states[self.plan.index[node]].phase == IDLE else "open"
        return f"{outcome.state} {outcome.reason}".strip()

    def chosen(self, node: str) -> list[str]:
        return [self.plan.ids[s] for s in self.progress.states[self.plan.index[node]].chosen]

    def late(self, node: str) -> list[str]:
        return [self.plan.ids[s] for s in self.progress.late(self.plan.index[node])]

    def texts(self, node: str) -> list[str]:
        """The texts in a node's value."""
        outcome = self.outcome(node)
        return [draft.text for draft in drafts_of(outcome.value if outcome else None)]

    def seconds(self, kind: Literal["grace", "hedge"], node: str) -> list[float]:
        """How long the timers of a node were armed for."""
        return [s for timer, s in self.armed.items() if (timer.kind, timer.node) == (kind, self.plan.index[node])]

    @property
    def live(self) -> list[str]:
        return [self.plan.ids[i] for i in options.live(self.progress)]

    # --- the driver's part ------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        progress = self.progress
        while progress.settled or progress.cancels or progress.arms or progress.starts:
            self.settled += [self.plan.ids[i] for i in progress.settled]
            self.cancelled += [self.plan.ids[i] for i in progress.cancels]
            self.armed |= dict(progress.arms)
            progress.settled, progress.cancels, progress.arms = [], [], []
            while progress.starts:
                assert progress.starts == sorted(progress.starts), "starts must come in file order"
                i = progress.starts.pop(0)
                assert progress.states[i].phase == RUNNING, f"{self.plan.ids[i]} is to start and does not run"
                if self.plan.calls[i]:
                    self.check_start(i)
                    self.started.append(self.plan.ids[i])
                else:
                    progress.finished(i, Outcome("ok", self._fold(i)))

    def check_start(self, i: int) -> None:
        """What must hold whenever a call starts."""
        name, states = self.plan.ids[i], self.progress.states
        assert name not in self.started, f"{name} was started twice"
        below = (*self.plan.before[i], *self.plan.sources[i])
        assert all(states[s].phase == DONE for s in below), f"{name} started too early"

    def _fold(self, i: int) -> Value:
        """A stand-in for the kinds' own folds: a group's drafts, a fallback's first one, a vote's winner."""
        progress, wait = self.progress, self.plan.waits[i]
        sources = progress.states[i].chosen if isinstance(wait, WaitGroup | WaitFirst) else self.plan.sources[i]
        found = [d for s in sources for d in drafts_of((progress.states[s].outcome or Outcome("failed")).value)]
        if isinstance(wait, WaitGroup):
            assert sources, f"{self.plan.ids[i]} closed with nothing"
            return Drafts(tuple(found))
        if isinstance(wait, WaitFirst):
            return found[0]
        return Vote(draft=found[0], agreement=1.0, margin=1.0)


NEVER = {"go": {"type": "boolean", "default": False}}
"""A parameter for nodes that are to be skipped: `when: {params.go: {equals: true}}`."""
NO_FINDINGS = Analysis()
TWO_SIDES = Analysis(consensus=("agreed",), blind_spots=("b", "c"))


def scores(**by_node: float) -> Scores:
    return Scores(mode="score", by_node=by_node)
