"""Binding: a pipeline and one run's parameter values become nodes and a plan, immutable and reused by all runs with the
same values. `Blueprint` keeps the last few; nothing is compiled twice."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, TypeVar

from fusion_graph.contracts import Kind
from fusion_graph.graph.bound import Bound, assemble
from fusion_graph.graph.expand import expand
from fusion_graph.graph.typed import bind_nodes, resolve_condition
from fusion_graph.pipeline import NodeSpec, Pipeline

KEPT = 64  # bound plans per pipeline; a caller who varies a parameter evicts only its own
T = TypeVar("T")


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
        return assemble(self.pipeline, values, nodes, whens, self._kinds, output, afters, backups)


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
