"""Typed options: the document values of plain nodes, a run's parameters filled in, become frozen dataclasses. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeAlias

from fusion_graph.contracts import Kind
from fusion_graph.graph.answers import parse_rule
from fusion_graph.messages import Sampling
from fusion_graph.pipeline import (
    PRESENT,
    RETRY,
    TIMEOUT,
    USABLE,
    AnyOf,
    Comparison,
    Condition,
    Limits,
    ModelOptions,
    ModelRef,
    Node,
    NodeSpec,
    Param,
    Present,
    Retry,
    Timeout,
    Usable,
)


def bind_nodes(specs: tuple[NodeSpec, ...], params: Mapping[str, Any], kinds: Mapping[str, Kind]) -> tuple[Node, ...]:
    """Plain specs as the nodes an engine runs, in the same order."""
    return tuple(_node(i, spec, params, kinds[spec.kind]) for i, spec in enumerate(specs))


def _node(index: int, spec: NodeSpec, params: Mapping[str, Any], kind: Kind) -> Node:
    options = resolve(spec.options, params)
    own = {key: value for key, value in options.items() if key in kind.schema}
    return Node(
        id=spec.id,
        index=index,
        kind=spec.kind,
        gives=kind.gives(options),
        inputs=spec.inputs,
        model=None if kind.structural or not kind.calls_model(options) else model_options({**kind.defaults, **options}),
        options=kind.parse(own),
        member=spec.member,
    )


def resolve(value: Any, params: Mapping[str, Any]) -> Any:
    """The value with every Param replaced by what the run gives it."""
    if isinstance(value, Param):
        return params[value.name]
    if isinstance(value, Mapping):
        return {key: resolve(item, params) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, params) for item in value]
    return value


def model_options(options: Mapping[str, Any]) -> ModelOptions:
    """The typed form of a node's model-call options (keys of the format, see design section 2)."""
    plain = ("system", "prompt", "temperature", "top_p", "max_tokens", "seed", "reasoning_effort", "inherit", "cache")
    extract = options.get("extract")
    return ModelOptions(
        model=ModelRef.parse(options["model"]),
        alternates=tuple(ModelRef.parse(m) for m in options.get("alternates") or ()),
        stop_sequences=tuple(options.get("stop_sequences") or ()),
        tools=tuple(options.get("tools") or ()),
        timeout=Timeout(**options["timeout"]) if options.get("timeout") else TIMEOUT,
        retry=Retry(**options["retry"]) if options.get("retry") else RETRY,
        usable=Usable(**options["usable"]) if options.get("usable") else USABLE,
        extract=parse_rule(extract) if extract else None,
        present=_present(options["present"]) if options.get("present") else PRESENT,
        **{key: options[key] for key in plain if options.get(key) is not None},
    )


def sampling_of(options: ModelOptions) -> Sampling:
    """What a node's calls send beside model and messages."""
    return Sampling(
        temperature=options.temperature,
        top_p=options.top_p,
        max_tokens=options.max_tokens,
        seed=options.seed,
        stop_sequences=options.stop_sequences,
        reasoning_effort=options.reasoning_effort,
    )


SEED_SPACE = 2**31 - 1

Draw: TypeAlias = tuple[int, int, int, int]
"""What keeps apart calls that are otherwise the same: ordinal of the same model in its layer, sample, round, choice."""


def seeded(sampling: Sampling, draw: Draw) -> Sampling:
    """A seed that is sent differs per draw, else every sample would be the same text."""
    if sampling.seed is None or not any(draw):
        return sampling
    ordinal, sample, turn, choice = draw
    mixed = sampling.seed + 1_000_003 * ordinal + 7_919 * sample + 104_729 * turn + 15_485_863 * choice
    return sampling._replace(seed=mixed % SEED_SPACE)


def sends_of(node: Node, kind: Kind, made: Sampling | None) -> tuple[Sampling, Draw] | None:
    """What a node's first call sends, and its draw, when the request asks for nothing. `made`: what all of them do."""
    if made is None:
        return None
    draw = (*(node.member.draw if node.member is not None else (0, 0)), 0, 0)
    form = kind.response_format(node.options)
    return seeded(made if form is None else made._replace(response_format=form), draw), draw


def held_why(node: Node, kind: Kind) -> str:
    """Why a writer's text is shown only whole (semantics 3)."""
    if node.model is None:
        return ""
    if node.model.usable.holds_back:
        return "`usable`"
    if node.model.tools and kind.uses_tools:
        return "`tools`"
    return kind.held(node.options)


def _present(options: Mapping[str, Any]) -> Present:
    chosen = dict(options)
    if isinstance(chosen.get("select"), Mapping):
        chosen["select"] = next(iter(chosen["select"].items()))
    return Present(**chosen)


def resolve_condition(condition: Condition, params: Mapping[str, Any]) -> Condition:
    """The condition with its operands filled in."""
    return Condition(
        tuple(
            AnyOf(tuple(resolve_condition(c, params) for c in t.conditions))
            if isinstance(t, AnyOf)
            else Comparison(t.subject, t.operator, resolve(t.operand, params))
            for t in condition.tests
        )
    )


def limits_of(raw: Mapping[str, Any]) -> Limits:
    """The typed form of `limits`."""
    known = {f.name for f in fields(Limits)}
    return Limits(**{key: value for key, value in raw.items() if key in known and value is not None})
