"""Asking a judge: one criterion a call, through the engine like every other call, each verdict kept once it is there. A
reply that cannot be read is no verdict: it is noted, and asked again when the eval is resumed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fusion_graph.engine.request import RunRequest
from fusion_graph.evals.protocols.protocol import Protocol
from fusion_graph.evals.protocols.scoring import PassScore, Verdict, score_pass
from fusion_graph.evals.running.purse import SPENT
from fusion_graph.evals.running.records import KEPT, Records
from fusion_graph.evals.task import Criterion, Task
from fusion_graph.events import CallFailed
from fusion_graph.messages import Message, Sampling
from fusion_graph.pipeline import Pipeline
from fusion_graph.store.journal import Job

if TYPE_CHECKING:
    from fusion_graph.engine.fusion import Fusion
    from fusion_graph.engine.report import RunResult
    from fusion_graph.graph.bound import Bound

TOTAL_S = 1800.0
READABLE = ("MET", "UNMET")
STATUS = r'"criterion_status"\s*:\s*"(MET|UNMET)"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """Who judges and how; resolved before anything is keyed by it. `variant` is "" for the protocol as it stands."""

    protocol: Protocol
    model: str
    passes: int
    temperature: float | None
    effort: str | None

    @property
    def prompt_hash(self) -> str:
        return hashlib.sha256(self.protocol.template.encode()).hexdigest()[:12]

    @property
    def variant(self) -> str:
        p = self.protocol
        other = [
            f"judge {self.model}" * (self.model != p.judge),
            f"{self.passes} pass{'es' * (self.passes != 1)}" * (self.passes != p.passes),
            f"temperature {self.temperature}" * (self.temperature != p.temperature),
            f"effort {self.effort}" * (self.effort != p.effort),
        ]
        return ", ".join(part for part in other if part)


def judge_document(settings: Judging) -> dict[str, Any]:
    """The judge as a pipeline of one node."""
    node: dict[str, Any] = {
        "kind": "proposer",
        "model": settings.model,
        "retry": {"attempts": settings.protocol.attempts},
        "timeout": {"total_s": TOTAL_S, "first_token_s": TOTAL_S, "idle_s": TOTAL_S},
    }
    if settings.temperature is not None:
        node["temperature"] = settings.temperature
    if settings.effort is not None:
        node["reasoning_effort"] = settings.effort
    if settings.protocol.response_format is None:
        node["usable"] = {"match": STATUS}
    return {"version": 1, "name": "judge", "nodes": {"verdict": node}, "output": "verdict"}


class OutOfBudget(Exception):
    """A call was refused, by the purse or because none may be made: nothing can be said of this text now."""


class Judge:
    """Grades texts. At most `at_once` calls are in flight, over all texts."""

    def __init__(
        self,
        settings: Judging,
        fusion: Fusion,
        records: Records,
        load: Callable[[Mapping[str, Any]], Pipeline],
        bind: Callable[[Pipeline, Mapping[str, Any]], Bound],
        at_once: int = 10,
        live: bool = True,
    ) -> None:
        """`live`: what is not recorded is asked."""
        self.settings = settings
        self.calls = 0
        self._live = live
        self._graded: dict[str, asyncio.Task[list[PassScore]]] = {}
        self._fusion = fusion
        self._records = records
        self._bound = bind(load(judge_document(settings)), {})
        self._cap = asyncio.Semaphore(at_once)
        form = settings.protocol.response_format
        self._writer = Sampling(response_format=form) if form else None

    async def grade(self, task: Task, text: str) -> list[PassScore]:
        """Every pass over one text; whoever has the same text shares them. Raises OutOfBudget."""
        shape = repr((task.id, task.prompt, text)).encode("utf-8", "surrogatepass")
        key = hashlib.sha256(shape).hexdigest()
        if key not in self._graded:
            self._graded[key] = asyncio.create_task(self._passes(task, text))
        return await self._graded[key]

    async def _passes(self, task: Task, text: str) -> list[PassScore]:
        scores = []
        for number in range(self.settings.passes):
            verdicts = await self._pass(task, text, number)
            scores.append(score_pass(task.criteria, verdicts))
        return scores

    async def _pass(self, task: Task, text: str, number: int) -> dict[str, Verdict]:
        try:
            async with asyncio.TaskGroup() as group:
                asked = {c.id: group.create_task(self.verdict(task, c, text, number)) for c in task.criteria}
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return {name: task.result() for name, task in asked.items()}

    async def verdict(self, task: Task, criterion: Criterion, text: str, number: int) -> Verdict:
        """The recorded one, else the judge's."""
        run_id = self._run_id(task, criterion, text, number)
        found = self._recorded(run_id)
        if found is not None:
            return found
        prompt = self.settings.protocol.prompt
        assert prompt is not None
        if not self._live:
            raise OutOfBudget
        async with self._cap:
            self.calls += 1
            return await self._ask(run_id, prompt(task, criterion, text))

    def _recorded(self, run_id: str) -> Verdict | None:
        told = (self._records.concluded(run_id) or {}).get(KEPT)
        return told if told in READABLE else None

    async def _ask(self, run_id: str, asked: tuple[Message, ...]) -> Verdict:
        fence, backend = self._records.series.fence, self._fusion.services.lanes[""].backend.name
        memory = self._records.memory(Job(run_id, self._bound, asked, fence, backend, command="judge"))
        request = RunRequest(messages=asked, writer=self._writer, run_id=run_id, fence=fence, memory=memory)
        verdict = _read(await self._fusion.run(self._bound, request), self.settings.protocol)
        self._records.conclude(run_id, {KEPT: verdict}, memory)
        return verdict

    def _run_id(self, task: Task, criterion: Criterion, text: str, number: int) -> str:
        """The same text in two arms is graded once, so a tie is a tie."""
        s = self.settings
        sign = criterion.negative if s.protocol.shows_sign else None
        shape = (
            task.prompt, criterion.requirement, sign, text, number,
            s.protocol.name, s.protocol.template, s.model, s.temperature, s.effort,
        )  # fmt: skip
        return self._records.series.run_id("verdict", *shape)


def _read(result: RunResult, protocol: Protocol) -> Verdict:
    """The verdict, or why there is none."""
    assert protocol.read is not None
    answer = result.answer
    if answer is not None:
        verdict = protocol.read(answer.text)
        return "cut_off" if answer.truncated and verdict not in READABLE else verdict
    failures = [event for event in result.events if isinstance(event, CallFailed)]
    if any(event.reason == SPENT for event in failures):
        raise OutOfBudget
    last = failures[-1] if failures else None
    if last is not None and last.reason.startswith(("unusable", "empty")):
        verdict = protocol.read(last.text)
        return "bad_value" if verdict in READABLE else verdict
    return "call_failed"
