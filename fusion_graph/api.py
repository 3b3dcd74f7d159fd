"""The public names. A run from Python:

    result = await run("budget", "Compare CRDTs and operational transformation.")
    print(result.text, result.cost_usd, result.degraded)

Keys and addresses come from where the commands find them (docs/settings.md), never from a pipeline.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from fusion_graph import settings as _settings
from fusion_graph.engine.report import RunResult
from fusion_graph.engine.request import RunRequest
from fusion_graph.errors import FusionError, UsageError
from fusion_graph.events import Event, Listener
from fusion_graph.messages import Message
from fusion_graph.outputs import Analysis, Draft
from fusion_graph.pipeline import Pipeline
from fusion_graph.toolbox import Toolbox
from fusion_graph.tools import default_registry
from fusion_graph.wiring import engines, pipelines
from fusion_graph.wiring.tools import Allowed, toolbox_for

__all__ = ["Analysis", "Draft", "FusionError", "Pipeline", "RunResult", "default_registry", "load", "run", "stream"]

Source: TypeAlias = "str | Path | Mapping[str, Any] | Pipeline"
"""A file, the name of a preset, a pipeline as plain values, or one that is loaded already."""

Prompt: TypeAlias = "str | Sequence[Mapping[str, Any] | Message]"
"""A question, or a conversation: `[{"role": "user", "content": "..."}]`."""


def load(source: Source) -> Pipeline:
    """A valid pipeline, to be run any number of times. Raises PipelineError with every mistake in it."""
    return pipelines.load(source)


async def run(
    pipeline: Source,
    prompt: Prompt,
    *,
    params: Mapping[str, Any] | None = None,
    seed: int | None = None,
    budget_usd: float | None = None,
    deadline_s: float | None = None,
    prices: str | None = None,
    listener: Listener | None = None,
    stream: bool = False,
    settings: _settings.Settings | None = None,
    tools: Toolbox | None = None,
) -> RunResult:
    """Run to an answer. A run that failed is a result too: `error` says why, and `text` raises it.

    `listener` gets every event as it happens (`fusion_graph.events`); with `stream` the answer's text too. `prices` is
    a file as `--prices` takes it; `tools` what models may use (`default_registry`), else those of the web. Raises
    UsageError or PipelineError before anything is spent.
    """
    setup = settings or _settings.load()
    ready = await engines.prepare(pipelines.load(pipeline), params or {}, setup)
    request = RunRequest(
        messages=_messages(prompt),
        seed=seed,
        stream=stream,
        limits=pipelines.limits_of(ready.bound, budget_usd=budget_usd, deadline_s=deadline_s),
    )
    box = tools or await toolbox_for(ready.bound, setup, Allowed())
    async with engines.open_fusion(ready.selection, engines.prices(prices), box) as fusion:
        return await fusion.run(ready.bound, request, listener)


async def stream(pipeline: Source, prompt: Prompt, **options: Any) -> AsyncIterator[Event]:
    """The events of a run as they happen; each `TextDelta` is a piece of the answer. Takes the options of `run`.

    Raises RunFailed after the last event of a run without an answer. Leaving the loop cancels the run.
    """
    events: asyncio.Queue[Event | None] = asyncio.Queue()

    async def work() -> RunResult:
        try:
            return await run(pipeline, prompt, **options, listener=events.put_nowait, stream=True)
        finally:
            events.put_nowait(None)

    working = asyncio.create_task(work())
    try:
        while (event := await events.get()) is not None:
            yield event
        result = await working
        if result.error is not None:
            raise result.error
    finally:
        working.cancel()
        await asyncio.wait([working])


def _messages(prompt: Prompt) -> tuple[Message, ...]:
    """Raises UsageError for a turn that is none."""
    if isinstance(prompt, str):
        return (Message("user", prompt),)
    return tuple(turn if isinstance(turn, Message) else _message(turn) for turn in prompt)


def _message(turn: Mapping[str, Any]) -> Message:
    content, role = turn.get("content"), turn.get("role")
    if role not in ("system", "user", "assistant") or not isinstance(content, str | list | tuple):
        raise UsageError("not a turn of a conversation", hint='{"role": "user", "content": "..."}')
    return Message(role, content if isinstance(content, str) else tuple(content))
