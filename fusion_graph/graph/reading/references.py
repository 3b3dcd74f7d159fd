"""From the nodes of a file to a graph: every reference resolved, members of groups included, and the plain nodes that
come out at the default parameters. An unknown name that is nearly a known one is reported and then read as that
one, so that one slip does not make ten findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fusion_graph.contracts import Kind
from fusion_graph.graph.diagnostics import Findings, nearest, pointer, suggest
from fusion_graph.graph.expand import MAX_NODES, as_key, count, expand_node, shaped
from fusion_graph.graph.reading.nodes import Ref, Sketch
from fusion_graph.graph.reading.params import fill
from fusion_graph.outputs import Gives
from fusion_graph.pipeline import AnyOf, Comparison, Condition, Edge, FieldRef, NodeId, NodeSpec

PATIENCE = 100  # unknown names for which the nearest known one is looked up


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A file's graph. `specs` stand in file order and are as written but for resolved names; `plain` is their
    expansion at default parameters; `gives` has the type of every id, None where it
    cannot be known; `filled` the options of each node in the file with the defaults of its parameters."""

    sketches: Mapping[str, Sketch]
    specs: Mapping[str, NodeSpec]
    plain: Mapping[str, NodeSpec]
    gives: Mapping[str, Gives | None]
    kinds: Mapping[str, Kind]
    filled: Mapping[str, Mapping[str, Any]]
    defaults: Mapping[str, Any]
    output: str


def resolve(
    sketches: Mapping[str, Sketch],
    kinds: Mapping[str, Kind],
    defaults: Mapping[str, Any],
    output: str,
    findings: Findings,
) -> Graph:
    """The graph of these nodes; what they name wrongly is in the findings, and left out."""
    bare = {name: _spec(sketch) for name, sketch in sketches.items()}
    small = _bounded(sketches, bare, defaults, findings)
    ids = {p.id for name in small for p in expand_node(shaped(bare[name], defaults))} | sketches.keys()
    names = Names(ids, sketches, findings)
    for sketch in sketches.values():
        _resolve_node(sketch, names)
    resolved_output = names.resolve(output, ("output",)) if output else None
    specs = {name: _resolved(sketch) for name, sketch in sketches.items()}
    plain: dict[str, NodeSpec] = {}
    for name, spec in specs.items():
        nodes = list(expand_node(shaped(spec, defaults))) if name in small else [spec]
        _check_distinct(nodes, sketches[name], findings)
        plain |= {node.id: node for node in nodes}
    return Graph(
        sketches=sketches,
        specs=specs,
        plain=plain,
        gives={name: _gives(spec, sketches, kinds, defaults) for name, spec in plain.items()},
        kinds=kinds,
        filled={name: fill(spec.options, defaults) for name, spec in specs.items()},
        defaults=defaults,
        output=resolved_output or "",
    )


class Names:
    """All ids of a graph, and how to find the one that is meant."""

    def __init__(self, ids: Iterable[str], sketches: Mapping[str, Sketch], findings: Findings) -> None:
        self._ids = set(ids)
        self._sketches = sketches
        self._findings = findings
        self._patience = PATIENCE

    def resolve(self, target: str, path: tuple[str | int, ...]) -> str | None:
        """The id that `target` names or nearly names, with a finding if it is not quite that; None when nothing is."""
        if target in self._ids:
            return target
        head, slash, tail = target.partition("/")
        if slash and head in self._sketches:
            return self._member(head, tail, path)
        self._patience -= 1
        known = self._sketches if self._patience > 0 else ()
        self._findings.error("FG201", path, f"there is no node {target!r}", suggest(target, known))
        return nearest(target, known)

    def _member(self, group: str, key: str, path: tuple[str | int, ...]) -> str | None:
        meant = f"{group}/{'/'.join(as_key(part) for part in key.split('/'))}"
        if meant in self._ids:
            return meant
        if self._sketches[group].opaque:
            return group
        members = [i.removeprefix(f"{group}/") for i in sorted(self._ids) if i.startswith(f"{group}/")]
        said = (
            f"group {group!r} has no member {key!r}" if members else f"node {group!r} is no group, so it has no {key!r}"
        )
        direct = [member for member in members if "/" not in member]
        self._findings.error("FG202", path, said, suggest(as_key(key), direct))
        near = nearest(as_key(key), members)
        return f"{group}/{near}" if near else group


def _spec(sketch: Sketch) -> NodeSpec:
    return NodeSpec(
        id=NodeId(sketch.id),
        kind=sketch.kind.name if sketch.kind else "",
        options=sketch.options,
        description=sketch.description,
        pointer=pointer(sketch.path),
    )


def _bounded(
    sketches: Mapping[str, Sketch], specs: Mapping[str, NodeSpec], defaults: Mapping[str, Any], findings: Findings
) -> set[str]:
    """The nodes that may be expanded: not the opaque ones, and none too many."""
    small, total = set(), 0
    for name, spec in specs.items():
        if sketches[name].opaque:
            continue
        size = count(shaped(spec, defaults))
        if total + size > MAX_NODES:
            message = f"with {name!r} the graph would expand to {total + size:,} nodes, above the {MAX_NODES:,} allowed"
            findings.error(
                "FG504", sketches[name].path, message, "lower repeat, samples or the number of models", key=True
            )
            sketches[name].opaque = True
        else:
            total += size
            small.add(name)
    return small


def _resolve_node(sketch: Sketch, names: Names) -> None:
    found = {ref: names.resolve(ref.target, ref.path) for ref in dict.fromkeys(sketch.refs)}
    sketch.lost = None in found.values()
    sketch.refs = [Ref(ref.field, target, ref.path, ref.optional) for ref, target in found.items() if target]
    meant = {ref.target: target for ref, target in found.items() if target and ref.field == "when"}
    sketch.when = _rename(sketch.when, meant) if sketch.when else None
    sketch.reads = [
        r._replace(subject=FieldRef(NodeId(meant[r.subject.node]), r.subject.field))
        for r in sketch.reads
        if r.subject.node in meant
    ]
    if sketch.groups:
        sketch.options = {**sketch.options, "members": [ref.target for ref in sketch.edges("members")]}


def _resolved(sketch: Sketch) -> NodeSpec:
    return NodeSpec(
        id=NodeId(sketch.id),
        kind=sketch.kind.name if sketch.kind else "",
        inputs=tuple(Edge(NodeId(ref.target), ref.optional) for ref in sketch.edges("inputs")),
        after=tuple(NodeId(ref.target) for ref in sketch.edges("after")),
        when=sketch.when,
        description=sketch.description,
        options=sketch.options,
        pointer=pointer(sketch.path),
    )


def _rename(condition: Condition, meant: Mapping[str, str]) -> Condition:
    """The condition with the names that were meant; tests of unknown nodes fall away."""
    tests: list[Comparison | AnyOf] = []
    for test in condition.tests:
        if isinstance(test, AnyOf):
            tests.append(AnyOf(tuple(_rename(c, meant) for c in test.conditions)))
        elif not isinstance(test.subject, FieldRef):
            tests.append(test)
        elif test.subject.node in meant:
            tests.append(test._replace(subject=FieldRef(NodeId(meant[test.subject.node]), test.subject.field)))
    return Condition(tuple(tests))


def _check_distinct(nodes: list[NodeSpec], sketch: Sketch, findings: Findings) -> None:
    twice = next((name for name, times in Counter(node.id for node in nodes).items() if times > 1), None)
    if twice is not None:
        message = f"two members would have the id {twice!r}"
        findings.error("FG209", (*sketch.path, "models"), message, "give each a `key` of its own; l1, l2 ... are taken")


def _gives(
    spec: NodeSpec, sketches: Mapping[str, Sketch], kinds: Mapping[str, Kind], defaults: Mapping[str, Any]
) -> Gives | None:
    if spec.kind not in kinds or (spec.id in sketches and sketches[spec.id].opaque and not kinds[spec.kind].structural):
        return None
    return kinds[spec.kind].gives(fill(spec.options, defaults))
