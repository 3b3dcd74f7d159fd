"""What a caller may change: declared parameters and lower limits, nothing else. A request never edits the document.

All errors here are the caller's (UsageError); a graph that the values make impossible is found when it is expanded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from math import inf
from typing import Any, NamedTuple

from fusion_graph.contracts import Kind
from fusion_graph.errors import UsageError
from fusion_graph.graph.diagnostics import suggest
from fusion_graph.graph.fragments import LIMITS, SEED
from fusion_graph.graph.reading.params import fill, value_problems
from fusion_graph.graph.reading.validation import Checker
from fusion_graph.graph.schema import node_schema
from fusion_graph.graph.yaml.scalars import Unreadable, read_scalar
from fusion_graph.pipeline import Limits, ModelRef, Param, ParamSpec, Pipeline

LOWERED: Mapping[str, str] = {
    "max_cost_usd": "budget_usd",
    "budget_usd": "budget_usd",
    "deadline_s": "deadline_s",
    "max_calls": "max_calls",
    "max_tokens": "max_tokens",
    "max_concurrency": "max_concurrency",
}
"""Limits that a caller may lower, by the names that they go by."""

RESERVED_SHARE = 0.25  # of a deadline that the file did not know of


class Overrides(NamedTuple):
    """A caller's changes: values of parameters, and limits by the names that the caller gave them."""

    params: Mapping[str, Any]
    limits: Mapping[str, Any]


def read_block(pipeline: Pipeline, block: Mapping[str, Any]) -> Overrides:
    """The `fusion` block of a request, without the keys that are the server's own. `X` is short for `params.X`; a
    model is named by its slug alone, so that a request never chooses a backend."""
    given = block.get("params", {})
    if not isinstance(given, Mapping):
        raise UsageError("`params` must be an object of parameter values")
    params, limits = dict(given), {}
    for key, value in block.items():
        if key in pipeline.params:
            params[key] = value
        elif key in LOWERED:
            limits[key] = value
        elif key != "params":
            known = [*pipeline.params, *LOWERED]
            raise UsageError(f"{pipeline.name} takes no {key!r}", hint=suggest(key, known))
    for name in model_params(pipeline) & params.keys():
        for model in _slugs(params[name]):
            if ModelRef.parse(model).backend:
                raise UsageError(
                    f"{name}: a request names a model, not a backend", hint=f"without @{ModelRef.parse(model).backend}"
                )
    return Overrides(params, limits)


def resolve_params(
    pipeline: Pipeline,
    given: Mapping[str, Any],
    kinds: Mapping[str, Kind],
    *,
    allow_model: Callable[[str], bool] | None = None,
) -> dict[str, Any]:
    """A value for every parameter: the given ones, checked, over the defaults. Raises UsageError."""
    for name, value in given.items():
        _check_json(name, value)
        _check_declared(pipeline, name, value)
    if allow_model is not None:
        for name in model_params(pipeline) & given.keys():
            refused = next((m for m in _slugs(given[name]) if not allow_model(m)), None)
            if refused is not None:
                raise UsageError(f"{name}: model {refused!r} is not allowed here", hint="use one that the server lists")
    values = {name: spec.default for name, spec in pipeline.params.items()} | dict(given)
    changed = {name for name in given if given[name] != pipeline.params[name].default}
    if changed:
        _check_uses(pipeline, changed, values, kinds)
    return values


def _check_json(name: str, value: Any) -> None:
    """A schema lets NaN and infinity pass, because neither is too small or too large."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise UsageError(f"{name}: not a JSON value (NaN and infinity are none)") from None


def _check_declared(pipeline: Pipeline, name: str, value: Any) -> None:
    if name not in pipeline.params:
        hint = suggest(name, pipeline.params) or "it declares none"
        raise UsageError(f"{pipeline.name} has no parameter {name!r}", hint=hint)
    problem = next(value_problems(pipeline.params[name], value), None)
    if problem is not None:
        raise UsageError(f"parameter {name!r}: {_told(problem.message)}", hint=problem.hint)


def _check_uses(pipeline: Pipeline, changed: set[str], values: Mapping[str, Any], kinds: Mapping[str, Kind]) -> None:
    """A value must also fit where it is used: a declaration may be wider than the option."""
    for spec in pipeline.nodes:
        if changed.intersection(_names(spec.options)):
            node = {"kind": spec.kind, **fill(spec.options, values)}
            problem = next(Checker(node_schema(kinds[spec.kind])).problems(node), None)
            if problem is not None:
                raise UsageError(
                    f"node {spec.id!r}, with these parameters: {_told(problem.message)}", hint=problem.hint
                )
    if changed.intersection(_names(pipeline.seed)):
        problem = next(Checker(SEED).problems(fill(pipeline.seed, values)), None)
        if problem is not None:
            raise UsageError(f"seed, with these parameters: {_told(problem.message)}", hint=problem.hint)
    if changed.intersection(_names(pipeline.limits)):
        limits = fill(pipeline.limits, values)
        problem = next(Checker(LIMITS).problems(limits), None)
        if problem is not None:
            raise UsageError(f"limits, with these parameters: {_told(problem.message)}", hint=problem.hint)
        if (limits.get("reserve_s") or 0) >= limits.get("deadline_s", inf):
            raise UsageError("limits, with these parameters: the reserve leaves nothing of the deadline")


def _told(message: str) -> str:
    return message.replace("the file ", "the value ", 1)


def read_value(spec: ParamSpec, text: str) -> Any:
    """A value from a command line: text as it is, lists of models with commas, the rest as in a file or as JSON."""
    type_ = spec.schema.get("type")
    if type_ == "string":
        return text
    if type_ == "models" and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return json.loads(text) if type_ in ("models", "array", "object") else read_scalar(text, plain=True)
    except (ValueError, RecursionError) as exc:
        hint = exc.hint if isinstance(exc, Unreadable) else "write JSON"
        raise UsageError(f"parameter {spec.name!r}: {text[:80]!r} cannot be read", hint=hint) from None


def lower_limits(limits: Limits, given: Mapping[str, Any]) -> Limits:
    """Limits with lower ones in place. Raises UsageError for a limit that is unknown, no number, or above the
    pipeline's.

    The reserve keeps its share of a lower deadline.
    """
    lowered: dict[str, Any] = {}
    for name, value in given.items():
        key = LOWERED.get(name)
        if key is None:
            raise UsageError(f"{name!r} is no limit", hint=suggest(name, LOWERED))
        _check_json(name, value)
        problem = next(Checker({"properties": {name: LIMITS["properties"][key]}}).problems({name: value}), None)
        if problem is not None:
            raise UsageError(problem.message, hint=problem.hint)
        now = getattr(limits, key)
        if now and (value > now or (key == "max_concurrency" and value == 0)):
            raise UsageError(f"{name} may only be lowered: the pipeline allows {now:g}", hint=f"at most {now:g}")
        lowered[key] = value
    if "deadline_s" in lowered and limits.reserve_s:
        share = limits.reserve_s / limits.deadline_s if limits.deadline_s else RESERVED_SHARE
        lowered["reserve_s"] = min(limits.reserve_s, share * lowered["deadline_s"])
    return replace(limits, **lowered)


def model_params(pipeline: Pipeline) -> frozenset[str]:
    """The parameters that name models."""
    found = {name for name, spec in pipeline.params.items() if spec.schema.get("type") == "models"}
    for spec in pipeline.nodes:
        found.update(_model_names(spec.options))
    return frozenset(found)


def _model_names(options: Mapping[str, Any]) -> Iterator[str]:
    for key in ("model", "alternates", "models"):
        value = options.get(key)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Param):
                yield item.name
            elif isinstance(item, Mapping):
                yield from _model_names(item)


def _names(value: Any) -> Iterator[str]:
    """The parameters that stand somewhere in a value."""
    if isinstance(value, Param):
        yield value.name
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _names(item)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)


def _slugs(value: Any) -> Iterator[str]:
    """The texts in a value for a parameter that names models; anything else is refused where values are checked."""
    return (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))
