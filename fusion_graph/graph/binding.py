"""Binding: a pipeline and one run's parameter values become nodes and a plan, immutable and reused by all runs with the
same values. `Blueprint` keeps the last few; nothing is compiled twice."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, TypeVar

from fusion_graph.contracts import Kind, Wait, WaitFirst, WaitGroup
from fusion_graph.errors import Diagnostic, PipelineError
from fusion_graph.graph.answers import parse_rule
from fusion_graph.graph.expand import expand
from fusion_graph.graph.plan import Plan
from fusion_graph.graph.writers import tool_turn, writers
from fusion_graph.messages import Sampling
from fusion_graph.pipeline import (
    AnyOf,
    Comparison,
    Condition,
    Edge,
    FieldRef,
    Limits,
    ModelOptions,
    ModelRef,
    Node,
    NodeId,
    NodeSpec,
    Param,
    Pipeline,
    Present,
    Retry,
    Timeout,
    Usable,
)

KEPT = 64  # bound plans per pipeline; a caller who varies a parameter evicts only its own
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What a run needs to know of its pipeline. `writers` is W(output); `drafters` all nodes that write a draft, in
    order; by node index: `kinds`, `samplings` (what the node's calls send) and `held` (why its text cannot stream, ""
    if it can)."""

    pipeline: Pipeline
    params: Mapping[str, Any]
    nodes: tuple[Node, ...]
    kinds: tuple[Kind, ...]
    plan: Plan
    limits: Limits
    seed: int | None
    output: int
    writers: frozenset[int]
    drafters: tuple[int, ...]
    samplings: tuple[Sampling | None, ...]
    held: tuple[str, ...]
    table: Mapping[str, Kind] = field(repr=False)

    @cached_property
    def by_id(self) -> Mapping[NodeId, Node]:
        return {node.id: node for node in self.nodes}

    @cached_property
    def tool_turn(self) -> Bound | None:
        """T(output) as a graph of its own; None when there is none, so the whole graph must run."""
        nodes = tool_turn(self.nodes[self.output], self.by_id, self.table)
        if not nodes:
            return None
        return _bound(self.pipeline, self.params, nodes, (None,) * len(nodes), self.table, len(nodes) - 1, {}, {})


class Blueprint:
    """A pipeline ready to be bound. Shape parameters change the graph, value parameters only the nodes' options."""

    def __init__(self, pipeline: Pipeline, kinds: Mapping[str, Kind]) -> None:
        self.pipeline = pipeline
        self._kinds = kinds
        self._specs: OrderedDict[str, tuple[NodeSpec, ...]] = OrderedDict()
        self._bound: OrderedDict[str, Bound] = OrderedDict()

    def bind(self, params: Mapping[str, Any] | None = None) -> Bound:
        """The graph for these parameter values (already checked, see `graph/overrides`); absent ones take their
        defaults."""
        values = {name: spec.default for name, spec in self.pipeline.params.items()} | dict(params or {})
        return _kept(self._bound, values, lambda: self._build(values))

    def _build(self, values: Mapping[str, Any]) -> Bound:
        shape = {name: values[name] for name, spec in self.pipeline.params.items() if spec.shape}
        specs = _kept(self._specs, shape, lambda: expand(self.pipeline, shape))
        nodes = _nodes(specs, values, self._kinds)
        afters = {s.id: s.after for s in specs}
        backups = {s.id: s.backup for s in specs if s.backup is not None}
        output = next(n.index for n in nodes if n.id == self.pipeline.output)
        whens = tuple(_resolve_condition(s.when, values) if s.when else None for s in specs)
        return _bound(self.pipeline, values, nodes, whens, self._kinds, output, afters, backups)


def bind(pipeline: Pipeline, kinds: Mapping[str, Kind], params: Mapping[str, Any] | None = None) -> Bound:
    """Bind once, without keeping anything."""
    return Blueprint(pipeline, kinds).bind(params)


def _kept(cache: OrderedDict[str, T], values: Mapping[str, Any], build: Any) -> T:
    key = json.dumps(values, sort_keys=True, default=str)
    if key in cache:
        cache.move_to_end(key)
        return cache[key]
    made: T = build()
    cache[key] = made
    if len(cache) > KEPT:
        cache.popitem(last=False)
    return made


# --- nodes ------------------------------------------------------------------------------------------------------------


def _nodes(specs: tuple[NodeSpec, ...], params: Mapping[str, Any], kinds: Mapping[str, Kind]) -> tuple[Node, ...]:
    return tuple(_node(i, spec, params, kinds[spec.kind]) for i, spec in enumerate(specs))


def _node(index: int, spec: NodeSpec, params: Mapping[str, Any], kind: Kind) -> Node:
    options = resolve(spec.options, params)
    own = {key: value for key, value in options.items() if key in kind.schema}
    joined = spec.kind and kind.structural
    return Node(
        id=spec.id,
        index=index,
        kind=spec.kind,
        gives=kind.gives(options),
        inputs=spec.inputs,
        model=None if joined or not kind.calls_model(options) else model_options(options),
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
    plain = ("system", "prompt", "temperature", "top_p", "max_tokens", "seed", "reasoning_effort", "cache")
    extract = options.get("extract")
    return ModelOptions(
        model=ModelRef.parse(options["model"]),
        alternates=tuple(ModelRef.parse(m) for m in options.get("alternates") or ()),
        stop_sequences=tuple(options.get("stop_sequences") or ()),
        tools=tuple(options.get("tools") or ()),
        timeout=Timeout(**options.get("timeout") or {}),
        retry=Retry(**options.get("retry") or {}),
        usable=Usable(**options.get("usable") or {}),
        extract=parse_rule(extract) if extract else None,
        present=_present(options.get("present") or {}),
        **{key: options[key] for key in plain if options.get(key) is not None},
    )


def _sampling(options: ModelOptions) -> Sampling:
    return Sampling(
        temperature=options.temperature,
        top_p=options.top_p,
        max_tokens=options.max_tokens,
        seed=options.seed,
        stop_sequences=options.stop_sequences,
        reasoning_effort=options.reasoning_effort,
    )


def _held(node: Node, kind: Kind) -> str:
    """Why a writer's text is shown only whole (semantics 3)."""
    if node.model is None:
        return ""
    if node.model.usable.holds_back:
        return "its text must be seen whole before it is usable"
    return kind.held(node.options)


def _present(options: Mapping[str, Any]) -> Present:
    chosen = dict(options)
    if isinstance(chosen.get("select"), Mapping):
        chosen["select"] = next(iter(chosen["select"].items()))
    return Present(**chosen)


def _resolve_condition(condition: Condition, params: Mapping[str, Any]) -> Condition:
    return Condition(
        tuple(
            AnyOf(tuple(_resolve_condition(c, params) for c in t.conditions))
            if isinstance(t, AnyOf)
            else Comparison(t.subject, t.operator, resolve(t.operand, params))
            for t in condition.tests
        )
    )


def _limits(raw: Mapping[str, Any]) -> Limits:
    known = {f.name for f in fields(Limits)}
    return Limits(**{key: value for key, value in raw.items() if key in known and value is not None})


# --- the plan ---------------------------------------------------------------------------------------------------------


def _bound(
    pipeline: Pipeline,
    params: Mapping[str, Any],
    nodes: tuple[Node, ...],
    whens: tuple[Condition | None, ...],
    kinds: Mapping[str, Kind],
    output: int,
    afters: Mapping[NodeId, tuple[NodeId, ...]],
    backups: Mapping[NodeId, NodeId],
) -> Bound:
    by_id = {node.id: node for node in nodes}
    per_node = tuple(kinds[n.kind] for n in nodes)
    wrote = writers(nodes[output], by_id, kinds)
    seed = resolve(pipeline.seed, params)
    return Bound(
        pipeline=pipeline,
        params=params,
        nodes=nodes,
        kinds=per_node,
        plan=_plan(nodes, per_node, by_id, whens, afters, backups, wrote, output, params),
        limits=_limits(resolve(pipeline.limits, params)),
        seed=seed,
        output=output,
        writers=wrote,
        samplings=tuple(_sampling(n.model) if n.model else None for n in nodes),
        held=tuple(_held(n, kind) for n, kind in zip(nodes, per_node, strict=True)),
        drafters=tuple(n.index for n, kind in zip(nodes, per_node, strict=True) if kind.writes and n.model is not None),
        table=kinds,
    )


def _plan(
    nodes: tuple[Node, ...],
    kinds: tuple[Kind, ...],
    by_id: Mapping[NodeId, Node],
    whens: tuple[Condition | None, ...],
    afters: Mapping[NodeId, tuple[NodeId, ...]],
    backups: Mapping[NodeId, NodeId],
    wrote: frozenset[int],
    output: int,
    params: Mapping[str, Any],
) -> Plan:
    waits = tuple(kind.wait(node.options) for node, kind in zip(nodes, kinds, strict=True))
    sources = tuple(tuple(by_id[e.node].index for e in node.inputs) for node in nodes)
    before = tuple(
        tuple(dict.fromkeys(by_id[name].index for name in (*_named(when), *afters.get(node.id, ()))))
        for node, when in zip(nodes, whens, strict=True)
    )
    for node, wait in zip(nodes, waits, strict=True):
        _check_quorum(node, wait, pipeline_file="<bound>")
    return Plan(
        ids=tuple(node.id for node in nodes),
        sources=sources,
        required=tuple(frozenset(by_id[e.node].index for e in node.inputs if not e.optional) for node in nodes),
        before=before,
        conditions=whens,
        waits=waits,
        aids=tuple(_aids(node, wait, by_id) for node, wait in zip(nodes, waits, strict=True)),
        backups=tuple(by_id[backups[n.id]].index if n.id in backups else -1 for n in nodes),
        draft_sources=tuple(
            _draft_sources(node, by_id) if kind.needs_draft and node.inputs else None
            for node, kind in zip(nodes, kinds, strict=True)
        ),
        calls=tuple(node.model is not None for node in nodes),
        groups=tuple(node.gives == "drafts" for node in nodes),
        writers=wrote,
        hedged=frozenset(
            s for i, w in enumerate(waits) if isinstance(w, WaitFirst) and w.hedge_after_s for s in sources[i]
        ),
        order=topological(sources, before),
        output=output,
        params=params,
    )


def _named(when: Condition | None) -> tuple[NodeId, ...]:
    """The nodes a condition reads, in order."""
    if when is None:
        return ()
    found: list[NodeId] = []
    for test in when.tests:
        if isinstance(test, AnyOf):
            found += [n for c in test.conditions for n in _named(c)]
        elif isinstance(test.subject, FieldRef):
            found.append(test.subject.node)
    return tuple(found)


def _aids(node: Node, wait: Wait, by_id: Mapping[NodeId, Node]) -> tuple[int, ...]:
    if not isinstance(wait, WaitFirst):
        return ()
    return tuple(by_id[e.node].index for e in node.inputs if by_id[e.node].gives in ("analysis", "scores"))


def _draft_sources(node: Node, by_id: Mapping[NodeId, Node]) -> tuple[int, ...]:
    return tuple(by_id[e.node].index for e in node.inputs if by_id[e.node].gives in ("draft", "drafts", "vote"))


def _check_quorum(node: Node, wait: Wait, *, pipeline_file: str) -> None:
    if isinstance(wait, WaitGroup) and (wait.quorum or 0) > len(node.inputs):
        raise PipelineError(
            [
                Diagnostic(
                    code="FG501",
                    message=f"node {node.id!r}: quorum {wait.quorum} is above its {len(node.inputs)} members",
                    file=pipeline_file,
                    hint="lower the quorum or add members",
                )
            ]
        )


def topological(sources: tuple[tuple[int, ...], ...], before: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    """Every node after what it names, ties in file order. The graph is known to have no cycle."""
    placed, order = [False] * len(sources), list[int]()
    for root in range(len(sources)):
        stack = [(root, iter((*before[root], *sources[root])))]
        while stack:
            i, rest = stack[-1]
            if placed[i]:
                stack.pop()
                continue
            step = next((s for s in rest if not placed[s]), None)
            if step is None:
                placed[i] = True
                order.append(i)
                stack.pop()
            else:
                stack.append((step, iter((*before[step], *sources[step]))))
    return tuple(order)


__all__ = ["Blueprint", "Bound", "Edge", "bind", "model_options", "resolve", "topological"]
