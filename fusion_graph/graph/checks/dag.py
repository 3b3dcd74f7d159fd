"""The graph as a graph: cycles, nodes that nobody asks for, and the output. Groups count as one node here, because
whatever holds for one member's inputs holds for all.

A sound file never needs networkx, which costs more to import than all checks together; it names the cycles once one
is known to be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from fusion_graph.contracts import WaitFirst
from fusion_graph.graph.diagnostics import Findings
from fusion_graph.graph.reading.references import Graph
from fusion_graph.graph.yaml.places import Path

MAX_CYCLES = 20


def check_dag(graph: Graph, findings: Findings) -> None:
    """Report every cycle, every node that the output never asks for, and what is odd about the output."""
    edges = _edges(graph)
    cyclic = _leftover({name: links.keys() for name, links in edges.items()})
    place = {name: i for i, name in enumerate(edges)}
    for cycle in _cycles(edges, cyclic):
        reads = [(name, cycle[(i + 1) % len(cycle)]) for i, name in enumerate(cycle)]
        reader, source = min(reads, key=lambda read: place[read[0]])
        shown = " -> ".join([cycle[0], *reversed(cycle)])
        findings.error("FG301", edges[reader][source], f"a cycle: {shown}", "take one of these edges out")
    head = graph.output.partition("/")[0]
    if head in graph.sketches:
        _check_reach(graph, edges, head, findings)


def _edges(graph: Graph) -> dict[str, dict[str, Path]]:
    """For each node the nodes it waits for, and where it says so."""
    edges: dict[str, dict[str, Path]] = {}
    for name, sketch in graph.sketches.items():
        edges[name] = {}
        for ref in sketch.refs:
            edges[name].setdefault(ref.target.partition("/")[0], ref.path)
    return edges


def _leftover(edges: Mapping[str, Iterable[str]]) -> set[str]:
    """The nodes that can never begin: those in cycles, and those behind them. Empty in a sound graph."""
    missing = {name: len(set(sources)) for name, sources in edges.items()}
    readers: dict[str, list[str]] = {name: [] for name in edges}
    for name, sources in edges.items():
        for source in set(sources):
            readers[source].append(name)
    ready = [name for name, number in missing.items() if not number]
    for name in ready:  # grows while it is walked
        for reader in readers[name]:
            missing[reader] -= 1
            if not missing[reader]:
                ready.append(reader)
    return edges.keys() - set(ready)


def _cycles(edges: Mapping[str, Mapping[str, Path]], among: set[str]) -> list[list[str]]:
    """Every cycle, as the nodes in the order in which each reads the next; at most `MAX_CYCLES`, from every knot at
    least one."""
    if not among:
        return []
    import networkx as nx

    names = list(edges)
    index = {name: i for i, name in enumerate(names)}
    digraph: nx.DiGraph[int] = nx.DiGraph(  # of numbers, because the order of a set of strings differs from run to run
        (index[name], index[source]) for name in names if name in among for source in edges[name] if source in among
    )
    knots = [k for k in nx.strongly_connected_components(digraph) if len(k) > 1 or digraph.has_edge(*k, *k)]
    found: list[list[int]] = []
    for knot in sorted(knots, key=min):
        room = max(1, MAX_CYCLES - len(found))
        for cycle in islice(nx.simple_cycles(digraph.subgraph(knot)), room):
            first = cycle.index(min(cycle))
            found.append(cycle[first:] + cycle[:first])
    return [[names[i] for i in cycle] for cycle in sorted(found)]


def _check_reach(graph: Graph, edges: Mapping[str, Mapping[str, Path]], output: str, findings: Findings) -> None:
    wanted, stack = {output}, [output]
    while stack:
        for source in edges[stack.pop()]:
            if source not in wanted:
                wanted.add(source)
                stack.append(source)
    for name in (n for n in edges if n not in wanted):
        hint = "name it in some `inputs`, or take it out"
        findings.error(
            "FG302",
            graph.sketches[name].path,
            f"node {name!r} never runs: the output does not ask for it",
            hint,
            key=True,
        )
    sketch = graph.sketches[output]
    kind = sketch.kind
    if kind is None or sketch.opaque:
        return
    gives = graph.gives.get(graph.output)
    if gives not in ("draft", "vote", None):
        hint = "let a synth, a fallback or a judge of mode select or vote make one answer of it"
        findings.error("FG402", ("output",), f"the output must be one draft, but {graph.output!r} gives {gives}", hint)
    elif gives is not None and not isinstance(kind.wait(kind.parse(graph.filled[output])), WaitFirst):
        findings.warn(
            "FG307", ("output",), f"when {graph.output!r} fails there is no answer", "let a fallback be the output"
        )
