"""A stage for whole runs: pipelines from the text of their nodes, scripted models, time that costs nothing. Every run
that plays on it must leave no call and no task behind."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from fusion_graph.contracts import Backend, Client, Provider
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.pricing import Prices
from fusion_graph.engine.report import RunResult
from fusion_graph.engine.request import RunRequest
from fusion_graph.events import Event, Listener, TextDelta
from fusion_graph.graph.bound import Bound
from fusion_graph.messages import Call, Message, Usage
from fusion_graph.providers.sim import Script, SimClient
from fusion_graph.toolbox import NO_TOOLS, Toolbox
from tests.graph.walk import bound_of

E = TypeVar("E", bound=Event)
SHOWN = re.compile(r"<<< draft ([A-Z]+)([^\n]*) \| (\w+) >>>\n(.*?)\n<<< end of \1 \| \3 >>>", re.DOTALL)
FLAT = Prices({"m/dear": (1_000_000, 1_000_000), "m/cheap": (1.0, 1.0)}, "2026-11-22")
"""A dear token costs a dollar, a cheap one a millionth."""


FAN = """
a: {kind: proposer, model: m/a}
b: {kind: proposer, model: m/b, inputs: [a]}
c: {kind: proposer, model: m/c, inputs: [a]}
w: {kind: synth, model: m/w, inputs: [b, c]}
"""


class Stage:
    """A Fusion over scripted models. `sims` by backend, `sim` the default one; `naps` are the waits it was asked for
    and skipped, its clock going on by as much; `events` all that happened in all runs."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        others: Mapping[str, Script] | None = None,
        backend: Mapping[str, Any] | None = None,
        prices: Prices | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Any] | None = None,
        tools: Toolbox = NO_TOOLS,
    ) -> None:
        scripts = {"sim": script or {}, **(others or {})}
        self.sims = {name: SimClient(said) for name, said in scripts.items()}
        self.naps: list[float] = []
        self.events: list[Event] = []
        self._happened = asyncio.Event()
        self._skipped = 0.0
        settings = {name: {"free": prices is None} for name in scripts}
        settings["sim"] |= dict(backend or {})
        self.fusion = Fusion(
            providers={"sim": Provider(name="sim", summary="scripted", open=self._open)},
            backends={name: Backend(name=name, provider="sim", **settings[name]) for name in scripts},  # type: ignore[arg-type]
            default_backend="sim",
            prices=prices or FLAT,
            sleep=sleep or self._nap,
            clock=clock or self._now,
            toolbox=tools,
        )

    def _now(self) -> float:
        return time.monotonic() + sum(self.naps) + self._skipped

    async def skip(self, seconds: float) -> None:
        """Let so much time pass at once: every timer that falls due in it fires, and what follows from it happens."""
        self._skipped += seconds
        loop = asyncio.get_running_loop()
        before = loop.time
        loop.time = lambda: before() + seconds  # type: ignore[method-assign]
        for _ in range(5):
            await asyncio.sleep(0)

    def _open(self, backend: Backend) -> Client:
        return self.sims[backend.name]

    async def _nap(self, seconds: float) -> None:
        self.naps.append(seconds)
        await asyncio.sleep(0)

    @property
    def sim(self) -> SimClient:
        return self.sims["sim"]

    async def run(self, bound: Bound | str, text: str = "Why?", **request: Any) -> RunResult:
        """One run to its end. `top` holds what stands beside `nodes` in the file."""
        top = request.pop("top", {})
        tell: Listener = request.pop("listener", lambda _event: None)
        request.setdefault("messages", (Message("user", text),))
        whole = bound_of(bound, **top) if isinstance(bound, str) else bound
        before = asyncio.all_tasks()

        def listen(event: Event) -> None:
            self.events.append(event)
            tell(event)
            self._happened.set()
            self._happened = asyncio.Event()

        try:
            return await self.fusion.run(whole, RunRequest(**request), listen)
        finally:
            assert not any(sim.running for sim in self.sims.values()), "a call outlived its run"
            assert not {task for task in asyncio.all_tasks() - before if not task.done()}, "a task outlived its run"

    async def until(self, holds: Callable[[Stage], bool]) -> None:
        """Wait until `holds(self)` is true; asked again after every event."""
        while not holds(self):
            await self._happened.wait()

    async def only(self, *models: str) -> None:
        """Wait until exactly these models are being called."""
        await self.sim.until(lambda sim: sorted(call.model for call in sim.running) == sorted(models))

    async def answered(self, model: str) -> None:
        """Wait until no call to this model is running."""
        await self.sim.until(lambda sim: all(call.model != model for call in sim.running))

    # --- what happened ----------------------------------------------------------------------------------------------

    def sent(self, model: str, backend: str = "sim") -> list[Call]:
        """The calls that a model received, in order."""
        return [call for call in self.sims[backend].received if call.model == model]

    def prompt(self, model: str) -> str:
        """All text of the only call that a model received."""
        (call,) = self.sent(model)
        return "\n".join(message.text for message in call.messages)

    @property
    def asked(self) -> list[str]:
        """The models that were called, in order of arrival."""
        return [call.model for call in self.sim.received]

    def heard(self, kind: type[E]) -> list[E]:
        """All events of this kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def streamed(self) -> str:
        """The text that was passed on while it was written."""
        return "".join(event.text for event in self.heard(TextDelta) if not event.whole)

    @property
    def whole(self) -> list[str]:
        """The texts that were passed on in one piece."""
        return [event.text for event in self.heard(TextDelta) if event.whole]


class Nap:
    """A wait between two attempts that lasts until somebody wakes it."""

    def __init__(self) -> None:
        self.asleep = asyncio.Event()
        self._woken = asyncio.Event()

    async def __call__(self, _seconds: float) -> None:
        self.asleep.set()
        await self._woken.wait()

    def wake(self) -> None:
        self._woken.set()


def told(stage: Stage, *kinds: type[Event]) -> list[tuple[str, str]]:
    """Kind and node of these events, in order."""
    return [(type(e).__name__, getattr(e, "node", "")) for e in stage.events if isinstance(e, kinds)]


def shown(call: Call) -> dict[str, str]:
    """The drafts in a prompt, text by label, in the order shown."""
    return {label: text for label, _, _, text in SHOWN.findall(call.messages[-1].text)}


def states(result: RunResult) -> dict[str, str]:
    """How every node ended: `ok`, or its state and reason."""
    return {node.id: f"{node.state} {node.reason}".strip() for node in result.nodes}


def entries(result: RunResult) -> list[tuple[str, str]]:
    """Node and reason of every degraded entry."""
    return [(entry.node, entry.reason) for entry in result.degraded]


def start(stage: Stage, bound: Bound | str, **request: Any) -> asyncio.Task[RunResult]:
    """A run that goes on beside the test."""
    return asyncio.create_task(stage.run(bound, **request))


# --- replies ----------------------------------------------------------------------------------------------------------

ANALYSIS: Mapping[str, list[Any]] = {
    "consensus": [],
    "contradictions": [],
    "partial_coverage": [],
    "unique_insights": [],
    "blind_spots": [],
}


def analysis(**lists: Sequence[Any]) -> str:
    """A judge's reply."""
    return json.dumps({**ANALYSIS, **lists})


def grading(**grades: float) -> Callable[[Call], str]:
    """A scoring judge that grades by the draft's text."""

    def judge(call: Call) -> str:
        given = [
            {"label": label, "reason": "", **dict.fromkeys(("accuracy", "completeness", "clarity"), grades[text])}
            for label, text in shown(call).items()
        ]
        return json.dumps({"scores": given})

    return judge


def ranking(*best_first: str) -> Callable[[Call], str]:
    """A ranking judge that orders drafts by their texts."""

    def judge(call: Call) -> str:
        labels = {text: label for label, text in shown(call).items()}
        return json.dumps({"reason": "", "ranking": [labels[text] for text in best_first if text in labels]})

    return judge


def choosing(text: str) -> Callable[[Call], str]:
    """A judge that selects the draft with this text."""

    def judge(call: Call) -> str:
        (label,) = [label for label, said in shown(call).items() if said == text]
        return json.dumps({"reason": "", "choice": label})

    return judge


def critique(*problems: str, accept: bool | None = None, grade: float | None = None) -> str:
    """A critic's reply: without problems it accepts."""
    issues = [{"problem": problem, "fix": ""} for problem in problems]
    grades = {} if grade is None else dict.fromkeys(("accuracy", "completeness", "clarity"), grade)
    return json.dumps({"issues": issues, **grades, "accept": not problems if accept is None else accept})


def usage(tokens_in: int, tokens_out: int, cost: float | None = None) -> Usage:
    return Usage(prompt_tokens=tokens_in, completion_tokens=tokens_out, cost_usd=cost)
