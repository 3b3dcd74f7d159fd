"""What an agent thinks with: one model, or a pipeline whose writer gets the tools; and the pipeline that is its
council. Both are runs like any others, with their retries, costs, events and their place in the journal."""

from __future__ import annotations

import asyncio
import difflib
import json
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusion_graph.agent.brain import Lost, Reply
from fusion_graph.chat.progress import Progress
from fusion_graph.commands._code.windows import room_in
from fusion_graph.commands._journal import tell_in_flight
from fusion_graph.commands._run.closing import closing_line, degraded_lines
from fusion_graph.engine.record import document
from fusion_graph.engine.request import RunRequest
from fusion_graph.errors import ToolError, UsageError
from fusion_graph.messages import Completion, Message, Sampling
from fusion_graph.store.journal import Job
from fusion_graph.wiring import engines, pipelines

if TYPE_CHECKING:
    from fusion_graph.agent.memory import Memory
    from fusion_graph.engine.fusion import Fusion
    from fusion_graph.engine.pricing import Prices
    from fusion_graph.engine.report import RunResult
    from fusion_graph.pipeline import Limits
    from fusion_graph.settings import Settings

SOLO = "brain"


class PipelineBrain:
    """A pipeline on an engine of its own; its runs are those of a session, once it has one."""

    def __init__(self, ready: engines.Ready, fusion: Fusion, prices: Prices, window: int) -> None:
        self._bound = ready.bound
        self._backend = ready.selection.default
        self._fusion = fusion
        self._prices = prices
        self.window = window  # tokens that a conversation may have
        self.left: Callable[[], float | None] = lambda: None  # dollars that a run may cost
        self._progress: Progress | None = None
        pipeline = ready.bound.pipeline
        self.told = f"{ready.told}; brain: {pipeline.description if pipeline.name == SOLO else pipeline.name}"
        writers = [self._bound.nodes[i].model for i in sorted(self._bound.writers)]
        lanes = [fusion.services.lanes[model.model.backend] for model in writers if model is not None]
        self.takes_tools = all(lane.takes_tools for lane in lanes)
        self.session: Memory | None = None
        self._convened = Counter[tuple[int, str]]()

    async def think(
        self, messages: tuple[Message, ...], tools: Sequence[Mapping[str, Any]], *, run_id: str = ""
    ) -> Reply:
        writer = Sampling(tools=tuple(tools)) if tools else None
        try:
            result, tokens, cost = await self._run(run_id, RunRequest(messages=messages, writer=writer), "code")
        except UsageError as fault:
            if self.left() is None:
                raise
            raise Lost("budget", f"{fault.message}; {fault.hint}") from None  # what is left does not pay for a reply
        if result.answer is None:
            assert result.error is not None
            lost = Lost(result.error.reason, self._why(result))
            lost.tokens, lost.cost_usd = tokens, cost
            raise lost
        draft = result.answer
        said = Completion(text=draft.text, tool_calls=draft.tool_calls, finish_reason=draft.finish_reason)
        return Reply(said, tokens, cost)

    def _limits(self) -> Limits:
        """Those of the pipeline, within what is left of the session's budget."""
        limits, left = self._bound.limits, self.left()
        if left is None:
            return limits
        least = left if limits.budget_usd is None else min(left, limits.budget_usd)
        return pipelines.limits_of(self._bound, budget_usd=least)

    @property
    def doing(self) -> str:
        """What a pipeline is at just now; of a single model there is nothing to say."""
        return self._progress.line if self._progress is not None and len(self._bound.nodes) > 1 else ""

    def _why(self, result: RunResult) -> str:
        """Of a brain of one model it is enough what became of it."""
        assert result.error is not None
        only = result.nodes[0]
        return only.detail if len(result.nodes) == 1 and only.detail else result.error.message

    async def convene(self, question: str) -> str:
        """The council's answer, with what it cost and what degraded."""
        assert self.session is not None
        times = self._convened[self.session.replies, question]
        self._convened[self.session.replies, question] += 1
        run_id = self.session.council_id(question, times)
        try:
            result, tokens, cost = await self._run(run_id, RunRequest(messages=(Message("user", question),)), "council")
        except UsageError as fault:
            raise ToolError(f"the council was not asked: {fault.message}") from None
        self.session.spend(tokens, cost, run_id)
        told = [f"[council {result.pipeline}: {closing_line(result, self._prices.date)}]", *degraded_lines(result)]
        if result.answer is None:
            raise ToolError("\n".join(["the council gave no answer", *told]))
        return "\n".join([result.answer.text, *told])

    async def _run(self, run_id: str, request: RunRequest, command: str) -> tuple[RunResult, int, float | None]:
        """One that was cut off goes on as it was asked then. Gives what all its tries took together."""
        assert self.session is not None
        series = self.session.series
        past = series.past(run_id)
        if past is not None:
            tell_in_flight(past)
        messages, fence = (past.messages, past.fence) if past is not None else (request.messages, secrets.token_hex(6))
        memory = series.memory(Job(run_id, self._bound, messages, fence, self._backend, command=command), past)
        request = replace(request, messages=messages, limits=self._limits(), run_id=run_id, fence=fence, memory=memory)
        before_usd, _, before = past.spent if past is not None else (0.0, 0, 0)
        self._progress = made = Progress()
        try:
            result = await self._fusion.run(self._bound, request, made)
        except asyncio.CancelledError:
            cost = made.cost_usd
            self.session.stopped[run_id] = made.tokens + before, None if cost is None else cost + before_usd
            raise
        finally:
            self._progress = None
        memory.conclude(json.dumps(document(result), allow_nan=False))
        cost = result.cost_usd
        return result, result.usage.total_tokens + before, None if cost is None else cost + before_usd

    async def close(self) -> None:
        await self._fusion.aclose()


async def brain_of(name: str | None, setup: Settings, prices: str | None) -> PipelineBrain:
    """A preset, a file, or a model; without a name the writer of the default pipeline, alone."""
    if name is not None and (name in pipelines.presets() or Path(name).suffix in pipelines.SUFFIXES):
        return await _open(name, setup, prices)
    if name is not None:
        _check_model(name)
    return await _open(_solo(name or _writer()), setup, prices)


def _check_model(name: str) -> None:
    """Raises UsageError for what is no model's name, or a preset's that was written wrong."""
    if not name.strip() or set(name) & set(" \t\n") or name.endswith("/"):
        raise UsageError(f"--model: {name!r} is no model", hint="vendor/name, a preset's name or a pipeline's file")
    near = [] if set(name) & set("/:.@") else difflib.get_close_matches(name, pipelines.presets(), n=1, cutoff=0.8)
    if near:
        raise UsageError(f"--model: there is no preset {name}", hint=f"did you mean {near[0]}?")


async def council_of(name: str | None, setup: Settings, prices: str | None) -> PipelineBrain | None:
    return None if name is None else await _open(name, setup, prices)


def _solo(model: str) -> dict[str, Any]:
    return {
        "version": 1,
        "name": SOLO,
        "description": model,
        "nodes": {"brain": {"kind": "proposer", "model": model}},
        "output": "brain",
    }


def _writer() -> str:
    bound = pipelines.bind(pipelines.load(pipelines.DEFAULT_PIPELINE))
    found = next(model for i in sorted(bound.writers) if (model := bound.nodes[i].model) is not None)
    return str(found.model)


async def _open(source: str | dict[str, Any], setup: Settings, prices: str | None) -> PipelineBrain:
    ready = await engines.prepare(pipelines.load(source), {}, setup)
    window = await room_in(ready.bound, ready.selection, setup)
    table = engines.prices(prices)
    return PipelineBrain(ready, engines.open_fusion(ready.selection, table), table, window)
