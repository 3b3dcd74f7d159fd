"""Binding: a pipeline and one run's parameter values become nodes and a plan, immutable and reused by all runs with the
same values. `Blueprint` keeps the last few; nothing is compiled twice."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fusion_graph.contracts import Kind
from fusion_graph.graph.expand import expand
from fusion_graph.graph.plan import Plan
from fusion_graph.graph.planning import plan_of
from fusion_graph.graph.progress import Progress
from fusion_graph.graph.typed import (
    Draw,
    bind_nodes,
    held_why,
    limits_of,
    resolve,
    resolve_condition,
    sampling_of,
    sends_of,
)
from fusion_graph.graph.writers import tool_turn, writers
from fusion_graph.lazy import Lazy
from fusion_graph.messages import Sampling
from fusion_graph.pipeline import Condition, Limits, ModelRef, Node, NodeId, NodeSpec, Pipeline

KEPT = 64  # bound plans per pipeline; a caller who varies a parameter evicts only its own
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What a run needs to know of its pipeline. `writers` is W(output); `drafters` all nodes that write a draft, in
    order; by node index: `kinds`, `samplings` (what the node's calls send), `sends` (that of the first one, seeded,
    with its draw), `held` (why its text cannot stream, "" if it can) and `prompts` (-1, or the place where nodes with
    the same prompt find it)."""

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
    sends: tuple[tuple[Sampling, Draw] | None, ...]
    held: tuple[str, ...]
    prompts: tuple[int, ...]
    table: Mapping[str, Kind] = field(repr=False)

    @Lazy
    def backends(self) -> tuple[str, ...]:
        """Every backend that may be called."""
        return tuple(dict.fromkeys(ref.backend for ref in self.models))

    @Lazy
    def caches(self) -> bool:
        """A node of it takes part in the cross-run cache of its own accord."""
        return any(node.model is not None and bool(node.model.cache) for node in self.nodes)

    @Lazy
    def opening(self) -> Progress:
        """Where every run of it begins."""
        opened = Progress(self.plan)
        opened.begin()
        return opened

    @Lazy
    def by_id(self) -> Mapping[NodeId, Node]:
        return {node.id: node for node in self.nodes}

    @Lazy
    def reported(self) -> tuple[tuple[str, str, str, str], ...]:
        """What reports say of each node however it goes: id, kind, role, and the model it asks first."""
        return tuple(
            (node.id, node.kind, kind.role, str(node.model.model) if node.model else "")
            for node, kind in zip(self.nodes, self.kinds, strict=True)
        )

    @Lazy
    def models(self) -> Mapping[ModelRef, Node]:
        """Every model that may be called, with the first node that names it."""
        found: dict[ModelRef, Node] = {}
        for node in self.nodes:
            for ref in node.model.models if node.model else ():
                found.setdefault(ref, node)
        return found

    @Lazy
    def tooled(self) -> Mapping[int, tuple[str, ...]]:
        """The tools of each node whose model may call some, by its index."""
        listed = {node.index: node.model.tools for node in self.nodes if node.model is not None and node.model.tools}
        return {i: tools for i, tools in listed.items() if self.kinds[i].uses_tools}

    @Lazy
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
        nodes = bind_nodes(specs, values, self._kinds)
        afters = {s.id: s.after for s in specs}
        backups = {s.id: s.backup for s in specs if s.backup is not None}
        output = next(n.index for n in nodes if n.id == self.pipeline.output)
        whens = tuple(resolve_condition(s.when, values) if s.when else None for s in specs)
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
        plan=plan_of(nodes, per_node, by_id, whens, afters, backups, wrote, output, params),
        limits=limits_of(resolve(pipeline.limits, params)),
        seed=seed,
        output=output,
        writers=wrote,
        samplings=tuple(sampling_of(n.model) if n.model else None for n in nodes),
        sends=tuple(sends_of(n) for n in nodes),
        held=tuple(held_why(n, kind) for n, kind in zip(nodes, per_node, strict=True)),
        prompts=_prompts(nodes, per_node, wrote),
        drafters=tuple(n.index for n, kind in zip(nodes, per_node, strict=True) if kind.writes and n.model is not None),
        table=kinds,
    )


def _prompts(nodes: tuple[Node, ...], kinds: tuple[Kind, ...], wrote: frozenset[int]) -> tuple[int, ...]:
    """Nodes that read the same and say the same to their model share a place; -1 for a prompt of the node's own."""
    places: dict[tuple[object, ...], int] = {}
    found = []
    for node, kind in zip(nodes, kinds, strict=True):
        model = node.model
        if kind.prompt is None or model is None or model.present.own != "show" or model.present.select != "all":
            found.append(-1)
            continue
        reads = tuple(edge.node for edge in node.inputs)
        key = (kind.name, reads, node.index in wrote, model.system, model.prompt, model.present)
        found.append(places.setdefault(key, len(places)))
    return tuple(found)
