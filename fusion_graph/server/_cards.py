"""One entry of the list of models (wire contract 1.10): what a pipeline is, can and costs. No address, no account; a
price that nobody knows is absent, never 0. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fusion_graph.facts import INPUTS, facts_of
from fusion_graph.graph.overrides import LOWERED

if TYPE_CHECKING:
    from fusion_graph.server._pipelines import Served
    from fusion_graph.server._service import Service

PARAMETERS = (
    "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed", "n", "stream", "tools",
    "tool_choice", "parallel_tool_calls", "response_format", "reasoning_effort", "frequency_penalty",
    "presence_penalty", "logprobs", "top_logprobs",
)  # fmt: skip
CREATED = 1_763_769_600
"""The same for every name, at every start and in every worker: clients keep lists of models."""
UNSAID = ("text", "image")
VERBATIM = ("seed", "stream")
"""Where no writer writes the answer, as it is one of the drafts, little can be asked of it."""


def card(served: Served, name: str, service: Service) -> dict[str, Any]:
    forecast, pipeline = served.forecast, served.pipeline
    live = any(not served.bound.held[i] for i in served.bound.writers)
    entry: dict[str, Any] = {
        "id": name,
        "object": "model",
        "created": CREATED,
        "owned_by": "fusion_graph",
        "name": pipeline.name if not served.solo else served.id,
        "description": pipeline.description or ("this model alone" if served.solo else ""),
        "architecture": {"input_modalities": _reads(served, service), "output_modalities": ["text"]},
        **_window(served, service),
        "supported_parameters": [p for p in PARAMETERS if p != "n" or live] if served.bound.writers else list(VERBATIM),
        "fusion": {
            "pipeline": pipeline.name,
            "solo": served.solo,
            "panel_models": list(served.panel),
            "calls": {"min": forecast.calls.least, "max": forecast.calls.most},
            "price_range_usd": _range(served),
            "first_token": forecast.first_token,
            "overridable": sorted({*pipeline.params, *LOWERED}),
            "ready": not served.missing,
        },
    }
    pricing = _pricing(served)
    return entry if pricing is None else {**entry, "pricing": pricing}


def _reads(served: Served, service: Service) -> list[str]:
    """What every model of it takes that gets the conversation, as far as anybody has said."""
    asked = zip(served.bound.nodes, served.bound.kinds, strict=True)
    models = [node.model.model for node, kind in asked if node.model and kind.prompt is not None]
    said = [facts_of(service.options.facts, model).input for model in models]
    return [name for name in INPUTS if all(name in (taken or UNSAID) for taken in said)]


def _window(served: Served, service: Service) -> dict[str, Any]:
    """The smallest window of the writers, and the least that they write at most; absent where one is not known."""
    models = [node.model.model for node in served.bound.nodes if node.model and node.index in served.bound.writers]
    facts = [facts_of(service.options.facts, model) for model in models]
    windows, most = [f.context_length for f in facts], [f.max_completion_tokens for f in facts]
    window, written = (min(filter(None, found)) if found and all(found) else None for found in (windows, most))
    if window is None:
        return {}
    return {"context_length": window, "top_provider": {"context_length": window, "max_completion_tokens": written}}


def _range(served: Served) -> dict[str, float] | None:
    """USD of one request with a prompt of a thousand tokens and answers at full length."""
    least, most = served.forecast.cost.least, served.forecast.cost.most
    return None if least is None or most is None else {"min": least, "max": most}


def _pricing(served: Served) -> dict[str, str] | None:
    """USD per token of the conversation and of the answer, at worst: every call reads the one, the writers write the
    other."""
    prompt, written = 0.0, 0.0
    for node, forecast in zip(served.bound.nodes, served.forecast.nodes, strict=True):
        if node.model is None or not forecast.calls.most:
            continue
        rates: Any = served.around.rates(str(node.model.model))
        if rates is None:
            return None
        prompt += forecast.calls.most * rates.input / 1e6
        if node.index in served.bound.writers:
            written = max(written, rates.output / 1e6)
    return {"prompt": f"{prompt:.10f}", "completion": f"{written:.10f}"} if prompt else None
