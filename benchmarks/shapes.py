"""The graphs, as ours: bound pipelines of the same shape as the functions of `bare`."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.models import JUDGE
from fusion_graph.graph.binding import bind
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.reader import load_mapping
from fusion_graph.kinds import KINDS
from fusion_graph.pipeline import Edge, NodeId, NodeSpec, Pipeline


def names(count: int) -> list[str]:
    """So many models, eight different ones."""
    return [f"bench/m{i % 8}" for i in range(count)]


def panel(models: Sequence[str]) -> Bound:
    *proposers, writer = models
    return _load(
        panel={"kind": "layer", "models": proposers},
        verdict={"kind": "judge", "model": JUDGE, "inputs": ["panel"]},
        answer={"kind": "synth", "model": writer, "inputs": ["panel", "verdict?"]},
    )


def layers(models: Sequence[str], depth: int, writer: str) -> Bound:
    return _load(
        panel={"kind": "layer", "models": list(models), "repeat": depth},
        answer={"kind": "synth", "model": writer, "inputs": ["panel"]},
    )


def fan_in(model: str, samples: int, writer: str) -> Bound:
    return _load(
        votes={"kind": "sample", "model": model, "samples": samples},
        answer={"kind": "synth", "model": writer, "inputs": ["votes"]},
    )


def graph(models: Sequence[str], sources: Sequence[Sequence[int]]) -> Bound:
    """A proposer per model; the last one is the output. Built without a file, which would be larger than allowed."""
    nodes = tuple(
        NodeSpec(
            id=NodeId(f"n{i}"),
            kind="proposer",
            inputs=tuple(Edge(NodeId(f"n{s}")) for s in sources[i]),
            options={"model": model},
        )
        for i, model in enumerate(models)
    )
    return bind(Pipeline(name="graph", nodes=nodes, output=nodes[-1].id), KINDS)


def chain(models: Sequence[str]) -> Bound:
    return graph(models, chained(len(models)))


def chained(nodes: int) -> list[list[int]]:
    """Sources by node: each reads the one before."""
    return [[i - 1] if i else [] for i in range(nodes)]


def tangled(nodes: int, edges: int, seed: int = 7) -> list[list[int]]:
    """Sources by node at random: every node but the last is read by a later one, further edges anywhere."""
    dice = random.Random(seed)
    found = {(s, dice.randrange(s + 1, nodes)) for s in range(nodes - 1)}
    while len(found) < edges:
        s = dice.randrange(nodes - 1)
        found.add((s, dice.randrange(s + 1, nodes)))
    sources: list[list[int]] = [[] for _ in range(nodes)]
    for s, reader in sorted(found):
        sources[reader].append(s)
    return sources


def _load(**nodes: Mapping[str, Any]) -> Bound:
    document = {"version": 1, "name": "bench", "nodes": nodes, "output": "answer"}
    return bind(load_mapping(document, kinds=KINDS), KINDS)
