"""From what a client asks to what the engine runs: pipeline, parameters, limits, the final writer's fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fusion_graph.contracts import Calls
from fusion_graph.engine.request import RunRequest
from fusion_graph.errors import PipelineError, UsageError
from fusion_graph.graph.binding import Bound
from fusion_graph.graph.forecast.estimate import Estimate, estimate
from fusion_graph.graph.overrides import LOWERED, Overrides, lower_limits, model_params, read_block
from fusion_graph.messages import Sampling
from fusion_graph.pipeline import Limits
from fusion_graph.server._errors import Refused, forbidden, invalid
from fusion_graph.server._facts import check_parts
from fusion_graph.server._replay import Recall

if TYPE_CHECKING:
    from fusion_graph.server._pipelines import Served
    from fusion_graph.server._service import Exchange, Service
    from fusion_graph.server._wire import ChatRequest


UNCHANGED = Overrides({}, {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run, ready to begin. `worst_usd` is what it may cost at most, None when nobody knows."""

    chat: ChatRequest
    served: Served
    bound: Bound
    request: RunRequest
    worst_usd: float | None
    mode: str
    recall: Recall
    changed: bool  # the request chose models, parameters or limits of its own


def make_job(exchange: Exchange, chat: ChatRequest) -> Job:
    """Raises Refused: everything that can be wrong is found here, before anything is spent."""
    service, key = exchange.service, exchange.key
    served = service.find(chat.model, key)
    if served.missing:
        raise Refused(502, "upstream_error", "this pipeline cannot run: a backend of it has no key",
                      code="auth_failed", retry=False)  # fmt: skip
    if not key.traces and chat.include - {"nodes"}:
        raise forbidden("this key may not see drafts, analyses and progress", "traces_not_allowed")
    if chat.sender:
        chat = _introduced(chat, forward=served.pipeline.forward)
    changes = _changes(served, chat.block) if chat.block else UNCHANGED
    bound, forecast = _bind(service, served, changes)
    limits = _limits(service, bound, changes)
    mode = "writer_only" if _writer_only(chat, bound) else "full"
    if (chat.solo or _forced(chat, bound)) and mode == "full":
        bound = bound.tool_turn or bound
        mode = "writer_only"
    check_parts(service.options.facts, bound, chat.messages)
    _check_calls(service, forecast, chat.n)
    exchange.run_id = exchange.token[24:40]
    recall = service.replays.recall(key.name, chat.messages)
    recall.fence = recall.fence or exchange.token[40:]
    request = RunRequest(
        messages=chat.messages,
        seed=chat.seed,
        stream=chat.stream,
        n=chat.n,
        writer=chat.writer,
        limits=limits,
        run_id=exchange.run_id,
        fence=recall.fence,
    )
    return Job(
        chat=chat,
        served=served,
        bound=bound,
        request=request,
        worst_usd=_worst(forecast, limits, chat.n),
        mode=mode,
        recall=recall,
        changed=bool(chat.block),
    )


def _introduced(chat: ChatRequest, *, forward: bool) -> ChatRequest:
    """What the request says of its sender goes to the writer's backend, or is named as ignored."""
    if not forward:
        return replace(chat, ignored=(*chat.ignored, *chat.sender))
    writer = chat.writer or Sampling()
    return replace(chat, writer=writer._replace(extra={**writer.extra, **chat.sender}))


def _changes(served: Served, block: Mapping[str, Any]) -> Overrides:
    """The `fusion` block's parameters and limits. A mistyped key is refused: it may have been a cost cap."""
    pipeline = served.pipeline
    for name in block:
        if name not in pipeline.params and name not in LOWERED and name != "params":
            raise invalid(f"{served.id} takes no {name[:64]!r}", f"fusion.{name[:64]}")
    try:
        return read_block(pipeline, block)
    except UsageError as error:
        raise invalid(error.message, "fusion") from None


def _bind(service: Service, served: Served, changes: Overrides) -> tuple[Bound, Estimate]:
    if not changes.params:
        return served.bound, served.forecast
    models = model_params(served.pipeline)
    for name, value in changes.params.items():
        try:
            served.bind({name: value}, lambda _model: True)
        except (UsageError, PipelineError) as error:
            raise invalid(_first_line(error), f"fusion.{name[:64]}") from None
        for model in _slugs(value) if name in models else ():
            if not service.allows(model):
                raise invalid("this model is not allowed here", f"fusion.{name}", code="model_not_allowed")
    try:
        bound = served.bind(changes.params, service.allows)
    except (UsageError, PipelineError) as error:
        raise invalid(_first_line(error), "fusion") from None
    return bound, estimate(bound, served.around.rates)


def _slugs(value: Any) -> list[str]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]


def _first_line(error: UsageError | PipelineError) -> str:
    if isinstance(error, PipelineError):
        return f"{error.diagnostics[0].code} {error.diagnostics[0].message}"
    return error.message


def _limits(service: Service, bound: Bound, changes: Overrides) -> Limits:
    """The pipeline's limits, lowered by the request, and never past the server's own deadline."""
    try:
        limits = lower_limits(bound.limits, changes.limits) if changes.limits else bound.limits
    except UsageError as error:
        raise invalid(error.message, "fusion") from None
    most = service.options.deadline_s
    if limits.deadline_s is None or limits.deadline_s > most:
        limits = replace(limits, deadline_s=most, reserve_s=min(limits.reserve_s, most / 2))
    return limits


def _writer_only(chat: ChatRequest, bound: Bound) -> bool:
    """The engine does so by itself; here it is only told."""
    after_tool = chat.messages[-1].role == "tool" and bound.pipeline.on_tool_turn == "writer_only"
    return after_tool and bound.tool_turn is not None


def _forced(chat: ChatRequest, bound: Bound) -> bool:
    """A tool call is demanded, and the pipeline wants no panel for it."""
    choice = chat.writer.tool_choice if chat.writer is not None else None
    demanded = choice == "required" or isinstance(choice, Mapping)
    return demanded and bound.pipeline.on_forced_tool == "writer_only"


def _check_calls(service: Service, forecast: Estimate, n: int) -> None:
    """The product of all multipliers is bounded."""
    calls: Calls = forecast.calls
    total, most = calls.most + n - 1, service.options.max_calls
    if total > most:
        raise invalid(
            f"this request may lead to {total} calls, more than the {most} allowed here",
            "fusion",
            code="too_many_calls",
        )


def _worst(forecast: Estimate, limits: Limits, n: int) -> float | None:
    worst = forecast.cost.worst
    if worst is None:
        return None
    worst *= n
    return worst if limits.budget_usd is None else min(worst, limits.budget_usd)
