"""Every pipeline as a tool of the Model Context Protocol: what is listed, and a call as a run with its progress."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import anyio
import mcp_types as types
from mcp.server import ServerRequestContext

from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.record import document
from fusion_graph.engine.report import RunResult
from fusion_graph.engine.request import RunRequest
from fusion_graph.errors import FusionError, UsageError
from fusion_graph.events import Event, NodeFinished, NodeSkipped, RunStarted
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.structure import problems
from fusion_graph.jsontext import plain
from fusion_graph.messages import Message
from fusion_graph.pipeline import ParamSpec
from fusion_graph.server._pipelines import DEFAULT, Served, Shelf
from fusion_graph.server._progress import Progress
from fusion_graph.store.journal import Job, Journal, RunMemory

COUNCIL = "council"
MAX_PROMPT = 1_000_000
MAX_RUNS = 16
Schema = Mapping[str, Any]
Report = Callable[[float, float | None, str | None], Awaitable[None]]

_PROMPT: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_PROMPT,
    "description": "The whole question: the panel sees nothing else.",
}
OUTPUT: Schema = {
    "type": "object",
    "properties": {
        "answer": {"type": ["string", "null"]},
        "pipeline": {"type": "string"},
        "run_id": {"type": "string"},
        "state": {"enum": ["ok", "degraded", "failed"]},
        "simulated": {"type": "boolean"},
        "cost_usd": {"type": ["number", "null"], "description": "Dollars; null when a price is unknown."},
        "total_tokens": {"type": "integer"},
        "degraded": {"type": "array", "items": {"type": "object"}, "description": "What went differently, and why."},
    },
    "required": ["answer", "pipeline", "run_id", "state", "simulated", "cost_usd", "total_tokens", "degraded"],
}


class Desk:
    """The tools of one server. `journal`: where each run is written down, with `backend` as the one of models that
    name none. Raises UsageError for a pipeline that has the name of its own tool."""

    def __init__(
        self,
        shelf: Shelf,
        fusion: Fusion,
        *,
        journal: Journal | None = None,
        backend: str = "",
        max_runs: int = MAX_RUNS,
    ) -> None:
        self._served = {one.id: one for one in shelf.pipelines}
        if COUNCIL in self._served:
            raise UsageError(f"a pipeline is called {COUNCIL}, as the tool that takes any is", hint="rename it")
        self._allows = shelf.allows
        self._fusion = fusion
        self._journal, self._backend = journal, backend
        self._max_runs = max_runs
        self._under_way = 0
        self._schemas = {COUNCIL: _council_schema(self._served)}
        self._schemas |= {name: _input(_params(one)) for name, one in self._served.items()}

    async def listed(self, _context: Any, _params: Any) -> types.ListToolsResult:
        told = {COUNCIL: f"Ask a panel of several models; `pipeline` says which one, {self._default} if absent."}
        told |= {name: one.pipeline.description or f"The pipeline {name}." for name, one in self._served.items()}
        tools = [
            types.Tool(
                name=name,
                description=told[name],
                input_schema=dict(schema),
                output_schema=dict(OUTPUT),
                annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=True),
            )
            for name, schema in self._schemas.items()
        ]
        return types.ListToolsResult(tools=tools)

    async def called(
        self, context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        """The answer, or what is wrong, which the model is told."""
        if self._under_way >= self._max_runs:
            return _refused(f"{self._max_runs} runs are under way; try again later")
        self._under_way += 1
        try:
            return await self._answer(params.name, params.arguments or {}, context.session.report_progress)
        except FusionError as fault:
            return _refused(f"{fault.message}; {fault.hint}" if fault.hint else fault.message)
        finally:
            self._under_way -= 1

    async def _answer(self, name: str, given: Mapping[str, Any], report: Report) -> types.CallToolResult:
        if name not in self._schemas:
            raise UsageError(f"there is no tool {name[:100]}", hint=f"there are {', '.join(self._schemas)}")
        found = problems(self._schemas[name], given)
        if found:
            raise UsageError(f"the arguments do not fit: {'; '.join(found)}")
        served = self._served[given.get("pipeline", self._default) if name == COUNCIL else name]
        if served.missing:
            raise UsageError(served.missing)
        bound = served.bind(given.get("params", {}), self._allows)
        request = self._request(bound, given["prompt"])
        told = _Told()
        work = asyncio.create_task(self._fusion.run(bound, request, told))
        sender = asyncio.create_task(told.send(report))
        try:
            result = await asyncio.shield(work)
            told.end()
            await sender
        finally:
            with anyio.CancelScope(shield=True):  # the SDK cancels again and again; a run needs a moment to close
                for task in (work, sender):
                    task.cancel()
                    await asyncio.wait([task])
        if isinstance(request.memory, RunMemory):
            request.memory.conclude(json.dumps(document(result), allow_nan=False))
        return _result(result)

    def _request(self, bound: Bound, prompt: str) -> RunRequest:
        request = RunRequest(messages=(Message("user", prompt),))
        if self._journal is None:
            return request
        job = Job(secrets.token_hex(8), bound, request.messages, secrets.token_hex(6), self._backend, None, "mcp")
        return replace(request, run_id=job.id, fence=job.fence, memory=self._journal.begin(job))

    @property
    def _default(self) -> str:
        return DEFAULT if DEFAULT in self._served else next(iter(self._served))


class _Told:
    """A listener whose lines go out one after the other, with how many of the nodes are done."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[tuple[int, int, str] | None] = asyncio.Queue()
        self._done = self._all = 0
        self._progress = Progress()

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._all = len(event.nodes)
        if isinstance(event, NodeFinished | NodeSkipped):
            self._done += 1
        line = self._progress.line(event)
        if line:
            self._lines.put_nowait((self._done, self._all, line))

    def end(self) -> None:
        self._lines.put_nowait(None)

    async def send(self, report: Report) -> None:
        """Progress must grow, so lines without a node's end count a little further."""
        last, step = -1.0, 0.001
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            while (told := await self._lines.get()) is not None:
                last = max(float(told[0]), last + step)
                await report(last, float(told[1]), told[2])


# --- schemas and results ----------------------------------------------------------------------------------------------


def _council_schema(served: Mapping[str, Served]) -> Schema:
    names: Schema = {"enum": list(served), "description": "Which pipeline."}
    return _input({"type": "object", "description": "Values of its parameters."}, pipeline=names)


def _input(params: Schema, **more: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {"prompt": _PROMPT, **more, "params": params},
        "required": ["prompt"],
        "additionalProperties": False,
    }


def _params(served: Served) -> Schema:
    declared = {name: _param(spec) for name, spec in served.pipeline.params.items()}
    return {"type": "object", "properties": declared, "additionalProperties": False}


def _param(spec: ParamSpec) -> Schema:
    """A list of models may hold names, or maps with a model and its options."""
    schema = dict(spec.schema)
    if schema.get("type") == "models":
        schema |= {"type": "array", "items": {"type": ["string", "object"]}}
    return schema | ({"description": spec.description} if spec.description else {})


def _result(result: RunResult) -> types.CallToolResult:
    text = result.answer.text if result.answer else f"no answer: {result.error.message if result.error else ''}"
    structured = {
        "answer": result.answer.text if result.answer else None,
        "pipeline": result.pipeline,
        "run_id": result.run_id,
        "state": result.state,
        "simulated": result.simulated,
        "cost_usd": result.cost_usd,
        "total_tokens": result.usage.total_tokens,
        "degraded": [plain(entry) for entry in result.degraded],
    }
    return types.CallToolResult(
        content=[types.TextContent(text=text)], structured_content=structured, is_error=result.answer is None
    )


def _refused(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=True)
