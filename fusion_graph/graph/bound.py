"""What a run needs to know of its pipeline, worked out once from the bound nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from fusion_graph.contracts import Kind
from fusion_graph.graph.plan import Plan
from fusion_graph.graph.planning import plan_of
from fusion_graph.graph.progress import Progress
from fusion_graph.graph.typed import Draw, held_why, limits_of, resolve, sampling_of, sends_of
from fusion_graph.graph.writers import tool_turn, writers
from fusion_graph.messages import Sampling
from fusion_graph.pipeline import Condition, Limits, ModelRef, Node, NodeId, Pipeline

Standing: TypeAlias = tuple[bytes, bool]
"""What a node stands on, as a digest, and whether a model that names no backend is in it; see `graph/identity`."""


@dataclass(eq=False, kw_only=True)
class Bound:
    """A pipeline with one run's parameter values; nobody changes it. `writers` is W(output). All further fields follow
    from those that are given."""

    pipeline: Pipeline
    params: Mapping[str, Any]
    nodes: tuple[Node, ...]
    kinds: tuple[Kind, ...]
    plan: Plan
    limits: Limits
    seed: int | None
    output: int
    writers: frozenset[int]
    table: Mapping[str, Kind] = field(repr=False)

    by_id: Mapping[NodeId, Node] = field(init=False, repr=False)
    models: Mapping[ModelRef, Node] = field(init=False, repr=False)  # that may be called, with the first that names it
    backends: tuple[str, ...] = field(init=False, repr=False)  # that may be called
    caches: bool = field(init=False, repr=False)  # a node takes part in the cross-run cache of its own accord
    tooled: Mapping[int, tuple[str, ...]] = field(init=False, repr=False)  # tools of the nodes that may call some
    drafters: tuple[int, ...] = field(init=False, repr=False)  # all nodes that write a draft, in order
    opening: Progress = field(init=False, repr=False)  # where every run of it begins

    # filled when first asked for
    standing: tuple[Standing, ...] | None = field(init=False, repr=False)  # what all runs share of nodes' identities
    _turn: list[Bound | None] = field(init=False, repr=False)  # `tool_turn`

    # by node index
    samplings: tuple[Sampling | None, ...] = field(init=False, repr=False)  # what the node's calls send
    sends: tuple[tuple[Sampling, Draw] | None, ...] = field(init=False, repr=False)  # its first one, seeded; its draw
    held: tuple[str, ...] = field(init=False, repr=False)  # why its text cannot stream, "" if it can
    prompts: tuple[int, ...] = field(init=False, repr=False)  # where nodes with the same prompt find it, -1: nowhere
    reported: tuple[tuple[str, str, str, str], ...] = field(init=False, repr=False)
    """What reports say of each node however it goes: id, kind, role, and the model it asks first."""

    def __post_init__(self) -> None:
        calling = [(node, node.model) for node in self.nodes if node.model is not None]
        self.by_id = {node.id: node for node in self.nodes}
        self.models = {}
        for node, model in calling:
            for ref in model.models:
                self.models.setdefault(ref, node)
        self.backends = tuple(dict.fromkeys(ref.backend for ref in self.models))
        self.caches = any(bool(model.cache) for _, model in calling)
        self.tooled = {n.index: model.tools for n, model in calling if model.tools and self.kinds[n.index].uses_tools}
        both = tuple(zip(self.nodes, self.kinds, strict=True))
        self.drafters = tuple(node.index for node, kind in both if kind.writes and node.model is not None)
        self.samplings = tuple(sampling_of(node.model) if node.model else None for node in self.nodes)
        self.sends = tuple(sends_of(node, kind, self.samplings[node.index]) for node, kind in both)
        self.held = tuple(held_why(node, kind) for node, kind in both)
        self.prompts = _prompts(both, self.writers)
        self.reported = tuple(
            (node.id, node.kind, kind.role, str(node.model.model) if node.model else "") for node, kind in both
        )
        self.opening = Progress(self.plan)
        self.opening.begin()
        self.standing = None
        self._turn = []

    @property
    def tool_turn(self) -> Bound | None:
        """T(output) as a graph of its own; None when there is none, so the whole graph must run."""
        if not self._turn:
            nodes = tool_turn(self.nodes[self.output], self.by_id, self.table)
            alone = None
            if nodes:
                whens = (None,) * len(nodes)
                alone = assemble(self.pipeline, self.params, nodes, whens, self.table, len(nodes) - 1, {}, {})
            self._turn.append(alone)
        return self._turn[0]


def assemble(
    pipeline: Pipeline,
    params: Mapping[str, Any],
    nodes: tuple[Node, ...],
    whens: tuple[Condition | None, ...],
    kinds: Mapping[str, Kind],
    output: int,
    afters: Mapping[NodeId, tuple[NodeId, ...]],
    backups: Mapping[NodeId, NodeId],
) -> Bound:
    """From nodes in file order, with what the graph adds to each."""
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
        table=kinds,
    )


def _prompts(nodes: Sequence[tuple[Node, Kind]], wrote: frozenset[int]) -> tuple[int, ...]:
    """Nodes that read the same and say the same to their model share a place; -1 for a prompt of the node's own."""
    places: dict[tuple[object, ...], int] = {}
    found = []
    for node, kind in nodes:
        model = node.model
        if kind.prompt is None or model is None or model.present.own != "show" or model.present.select != "all":
            found.append(-1)
            continue
        reads = tuple(edge.node for edge in node.inputs)
        key = (kind.name, reads, node.index in wrote, model.system, model.prompt, model.present)
        found.append(places.setdefault(key, len(places)))
    return tuple(found)
