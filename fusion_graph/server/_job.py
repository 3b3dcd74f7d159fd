"""From what a client asks to what the engine runs: pipeline, parameters, limits, the final writer's fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fusion_graph.engine.request import RunRequest
from fusion_graph.errors import PipelineError, UsageError
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.diagnostics import suggest
from fusion_graph.graph.forecast.estimate import Estimate, estimate
from fusion_graph.graph.overrides import LOWERED, Overrides, lower_limits, model_params, read_block
from fusion_graph.messages import Sampling
from fusion_graph.pipeline import Limits, ParamSpec
from fusion_graph.server._deciding import FREE, First, first_of
from fusion_graph.server._doors import enter, read_depth, tune, unheard, writer_of
from fusion_graph.server._errors import Refused, forbidden, invalid
from fusion_graph.server._parts import check_parts
from fusion_graph.server._replay import Recall
from fusion_graph.server._wires.fusion import MAX_PANEL
from fusion_graph.values import frozen

if TYPE_CHECKING:
    from fusion_graph.server._pipelines import Served
    from fusion_graph.server._service import Exchange, Service
    from fusion_graph.server._wires.asked import Asked, Convening


UNCHANGED = Overrides({}, {})
TOOL_CALLS = 4  # of a panelist that OpenRouter's plugin or tool convenes, where they say nothing


@frozen
class Job:
    """One run, ready to begin. `worst_usd` is what it may cost at most, None when nobody knows."""

    asked: Asked
    served: Served
    bound: Bound
    request: RunRequest
    worst_usd: float | None
    mode: str
    first: First | None  # what the writer is asked before, where it may decide
    recall: Recall
    depth: int  # how many fusions the request came through
    called: str  # the model's name as the client reads it
    changed: bool  # the request chose models, parameters or limits of its own

    @property
    def roles(self) -> dict[str, str]:
        """What reports call each node's calls."""
        return {node.id: kind.role for node, kind in zip(self.bound.nodes, self.bound.kinds, strict=True)}


def make_job(exchange: Exchange, asked: Asked) -> Job:
    """Raises Refused: everything that can be wrong is found here, before anything is spent."""
    service, key = exchange.service, exchange.key
    depth = read_depth(exchange.request.headers)
    served, asked, alias = enter(service, key, asked, depth)
    if served.missing:
        raise Refused(502, "upstream_error", "this pipeline cannot run: a backend of it has no key",
                      code="auth_failed", retry=False)  # fmt: skip
    if not key.traces and asked.include - {"nodes"}:
        raise forbidden("this key may not see drafts, analyses and progress", "traces_not_allowed")
    if asked.sender:
        asked = _introduced(asked, forward=served.pipeline.forward)
    changes = _changes(served, asked.block) if asked.block else UNCHANGED
    bound, forecast = _bind(service, served, changes, asked.convening)
    if asked.convening is not None:
        asked = replace(asked, ignored=(*asked.ignored, *unheard(served.bound, asked.convening)))
    limits = _limits(served, bound, changes)
    mode = "writer_only" if _writer_only(asked, bound) else "full"
    if (asked.solo or _forced(asked, bound)) and mode == "full":
        bound = bound.tool_turn or bound
        mode = "writer_only"
    check_parts(service.options.facts, bound, asked.messages)
    first = first_of(bound, asked) if mode == "full" and not alias else None
    before = None if first is None else estimate(first.bound, served.around.rates)
    _check_calls(service, forecast.calls.most + asked.n - 1 + (0 if before is None else before.calls.most))
    exchange.run_id = exchange.token[24:40]
    recall = service.replays.recall(key.name, asked.messages)
    recall.fence = recall.fence or exchange.token[40:]
    request = RunRequest(
        asked.messages,
        asked.seed,
        asked.stream,
        asked.n,
        asked.writer,
        limits,
        exchange.run_id,
        None,  # its memory is begun when the run really begins
        (asked.convening.max_tool_calls or TOOL_CALLS) if asked.convening else None,
        recall.fence,
    )
    worst_usd = _worst(forecast, limits, asked.n, before)
    called = writer_of(bound) if alias else asked.model
    return Job(asked, served, bound, request, worst_usd, mode, first, recall, depth, called, bool(asked.block))


def _introduced(asked: Asked, *, forward: bool) -> Asked:
    """What the request says of its sender goes to the writer's backend, or is named as ignored."""
    if not forward:
        return replace(asked, ignored=(*asked.ignored, *asked.sender))
    writer = asked.writer or Sampling()
    return replace(asked, writer=writer._replace(extra={**writer.extra, **asked.sender}))


def _changes(served: Served, block: Mapping[str, Any]) -> Overrides:
    """The `fusion` block's parameters and limits. A mistyped key is refused: it may have been a cost cap."""
    pipeline = served.pipeline
    for name in block:
        if name not in pipeline.params and name not in LOWERED and name != "params":
            meant = suggest(name[:64], [*pipeline.params, *LOWERED])
            raise invalid(
                f"{served.id} takes no {name[:64]!r}" + (f"; {meant}" if meant else ""), f"fusion.{name[:64]}"
            )
    try:
        return read_block(pipeline, block)
    except UsageError as error:
        raise invalid(error.message, "fusion") from None


def _bind(service: Service, served: Served, changes: Overrides, convening: Convening | None) -> tuple[Bound, Estimate]:
    bound = _bound(service, served, changes) if changes.params else served.bound
    if convening is not None:
        bound = tune(bound, convening)
    return bound, served.forecast if bound is served.bound else estimate(bound, served.around.rates)


def _bound(service: Service, served: Served, changes: Overrides) -> Bound:
    """The graph at the request's parameters."""
    models = model_params(served.pipeline)
    for name, value in changes.params.items():
        try:
            served.bind({name: value}, lambda _model: True)
        except (UsageError, PipelineError) as error:
            raise invalid(_first_line(error), f"fusion.{name[:64]}") from None
        if name in models and isinstance(value, list):
            _check_panel(served.pipeline.params[name], len(value))
        for model in _slugs(value) if name in models else ():
            if not service.allows(model):
                raise invalid("this model is not allowed here", f"fusion.{name}", code="model_not_allowed")
    try:
        return served.bind(changes.params, service.allows)
    except (UsageError, PipelineError) as error:
        raise invalid(_first_line(error), "fusion") from None


def _check_panel(spec: ParamSpec, size: int) -> None:
    """A request's panel is bounded, by the file's own where that is larger."""
    most = max(MAX_PANEL, len(spec.default) if isinstance(spec.default, list) else 0)
    if size > most:
        raise invalid(f"fusion.{spec.name} may name {most} models at most, not {size}", f"fusion.{spec.name}")


def _slugs(value: Any) -> list[str]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]


def _first_line(error: UsageError | PipelineError) -> str:
    if isinstance(error, PipelineError):
        return f"{error.diagnostics[0].code} {error.diagnostics[0].message}"
    return error.message


def _limits(served: Served, bound: Bound, changes: Overrides) -> Limits:
    """The pipeline's limits, lowered by the request, and never past the server's own deadline."""
    if bound is served.bound and not changes.limits:
        return served.limits
    limits = bound.limits
    for name, value in changes.limits.items():
        try:
            limits = lower_limits(limits, {name: value})
        except UsageError as error:
            raise invalid(error.message, f"fusion.{name}") from None
    return served.around.within(limits)


def _writer_only(asked: Asked, bound: Bound) -> bool:
    """The engine does so by itself; here it is only told."""
    after_tool = asked.messages[-1].role == "tool" and bound.pipeline.on_tool_turn == "writer_only"
    return after_tool and bound.tool_turn is not None


def _forced(asked: Asked, bound: Bound) -> bool:
    """A tool call is demanded, and the pipeline wants no panel for it."""
    demanded = asked.writer is not None and asked.writer.tool_choice not in FREE
    return demanded and bound.pipeline.on_forced_tool == "writer_only"


def _check_calls(service: Service, total: int) -> None:
    """The product of all multipliers is bounded."""
    most = service.options.max_calls
    if total > most:
        raise invalid(
            f"this request may lead to {total} calls, more than the {most} allowed here",
            "fusion",
            code="too_many_calls",
        )


def _worst(forecast: Estimate, limits: Limits, n: int, before: Estimate | None) -> float | None:
    worst, first = forecast.cost.worst, 0.0 if before is None else before.cost.worst
    if worst is None or first is None:
        return None
    worst = worst * n + first
    return worst if limits.budget_usd is None else min(worst, limits.budget_usd)
