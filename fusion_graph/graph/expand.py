"""Structural nodes become plain ones: `layer` and `sample` turn into proposers and a join under the group's own id.

Deterministic, and a pure function of the pipeline and the values of its shape parameters. The product of all
multipliers is checked before anything is built. Ids (semantics 5): the last depth is `panel/<key>`, earlier ones
`panel/l1/<key>`, samples of a member `panel/<key>/1..k`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from fusion_graph.errors import Diagnostic, PipelineError
from fusion_graph.graph.spread import temperatures
from fusion_graph.pipeline import AnyOf, Condition, Edge, FieldRef, Member, ModelRef, NodeId, NodeSpec, Param, Pipeline

MAX_NODES = 20_000
LAYER, SAMPLE, PROPOSER = "layer", "sample", "proposer"
STRUCTURAL = frozenset((LAYER, SAMPLE))
SHAPES = ("models", "members", "repeat", "samples", "spread")
"""Options that decide which nodes there are: a parameter under one of them is a shape parameter."""
JOINING = ("quorum", "grace_s", "stop", "window")
"""Options that stay on the join."""

_NOT_KEY = re.compile(r"[^a-z0-9_-]")


def expand(pipeline: Pipeline, shape: Mapping[str, Any]) -> tuple[NodeSpec, ...]:
    """Plain nodes in file order, members before their join. `shape` holds a value for every shape parameter (others are
    ignored). Raises PipelineError (FG504) if there would be too many."""
    specs = tuple(shaped(spec, shape) for spec in pipeline.nodes)
    total = sum(count(spec) for spec in specs)
    if total > MAX_NODES:
        message = f"the graph would expand to {total:,} nodes, above the {MAX_NODES:,} allowed"
        raise _impossible(pipeline, "FG504", message, hint="lower repeat, samples or the number of models")
    plain = tuple(node for spec in specs for node in expand_node(spec))
    _check_named(plain, pipeline)
    return plain


def _check_named(plain: Sequence[NodeSpec], pipeline: Pipeline) -> None:
    """Members come and go with shape parameters; what names them must still find them."""
    ids = {node.id for node in plain}
    for node in plain:
        for name in (*(edge.node for edge in node.inputs), *node.after, *named(node.when), pipeline.output):
            if name not in ids:
                message = f"with these parameters there is no node {name!r}, which {node.id!r} names"
                raise _impossible(pipeline, "FG202", message, pointer=node.pointer)


def named(when: Condition | None) -> tuple[NodeId, ...]:
    """The nodes that a condition reads, in order."""
    found: list[NodeId] = []
    for test in when.tests if when is not None else ():
        if isinstance(test, AnyOf):
            found += [name for condition in test.conditions for name in named(condition)]
        elif isinstance(test.subject, FieldRef):
            found.append(test.subject.node)
    return tuple(found)


def _impossible(pipeline: Pipeline, code: str, message: str, *, pointer: str = "", hint: str = "") -> PipelineError:
    return PipelineError([Diagnostic(code=code, message=message, file=pipeline.file, pointer=pointer, hint=hint)])


def shaped(spec: NodeSpec, shape: Mapping[str, Any]) -> NodeSpec:
    """The node with its shape parameters filled in."""
    if spec.kind not in STRUCTURAL:
        return spec
    return replace(spec, options={k: _fill(v, shape) if k in SHAPES else v for k, v in spec.options.items()})


def _fill(value: Any, shape: Mapping[str, Any]) -> Any:
    if isinstance(value, Param):
        return shape[value.name]
    if isinstance(value, Mapping):
        return {key: _fill(item, shape) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_fill(item, shape) for item in value]
    return value


def count(spec: NodeSpec) -> int:
    """How many plain nodes a node becomes, joins included. Shape parameters must be filled in."""
    options = spec.options
    if spec.kind == SAMPLE:
        return int(options["samples"]) + 1
    if spec.kind != LAYER or "members" in options:
        return 1
    samples = int(options.get("samples", 1))
    members = len(options["models"]) * (samples + 1 if samples > 1 else 1)
    return int(options.get("repeat", 1)) * (members + 1)


def expand_node(spec: NodeSpec) -> Iterator[NodeSpec]:
    """The plain nodes of one node whose shape parameters are filled in."""
    if spec.kind == SAMPLE:
        yield from _samples(spec)
    elif spec.kind == LAYER and "members" in spec.options:
        members = tuple(Edge(NodeId(str(m))) for m in spec.options["members"])
        yield replace(spec, inputs=members, options=_joining(spec.options))
    elif spec.kind == LAYER:
        yield from _layer(spec)
    else:
        yield spec


def _joining(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: options[key] for key in JOINING if key in options}


def _samples(spec: NodeSpec) -> Iterator[NodeSpec]:
    """`votes/1..n`, then the join `votes`."""
    options = {k: v for k, v in spec.options.items() if k not in SHAPES and k not in JOINING}
    total = spec.options["samples"]
    spread = temperatures(spec.options.get("spread"), options.get("temperature"), total)
    ids = []
    for i in range(total):
        ids.append(NodeId(f"{spec.id}/{i + 1}"))
        heat = {} if spread is None else {"temperature": spread[i]}
        member = Member(group=spec.id, key=str(i + 1), draw=(0, i))
        yield replace(spec, id=ids[i], kind=PROPOSER, options={**options, **heat}, member=member, description="")
    yield _join(spec, spec.id, ids)


def _join(spec: NodeSpec, name: NodeId, members: Iterable[NodeId], *, backup: NodeId | None = None) -> NodeSpec:
    return NodeSpec(
        id=name,
        kind=spec.kind,
        inputs=tuple(Edge(m) for m in members),
        description=spec.description if name == spec.id else "",
        options=_joining(spec.options),
        backup=backup,
        pointer=spec.pointer,
    )


class Entry(NamedTuple):
    """One member of a layer: its key, its options over the group's, and which of the same model it is."""

    key: str
    options: Mapping[str, Any]
    ordinal: int


def _layer(spec: NodeSpec) -> Iterator[NodeSpec]:
    """Depth by depth: every member, its samples, then the join that the next depth reads."""
    entries = _entries(spec)
    samples = int(spec.options.get("samples", 1))
    depths = int(spec.options.get("repeat", 1))
    before: NodeId | None = None
    for depth in range(1, depths + 1):
        join = spec.id if depth == depths else NodeId(f"{spec.id}/l{depth}")
        inputs = spec.inputs if before is None else (Edge(before),)
        ids = []
        for entry in entries:
            member = Member(group=join, key=entry.key, depth=depth, draw=(entry.ordinal, 0))
            node = replace(
                spec,
                id=NodeId(f"{join}/{entry.key}"),
                kind=PROPOSER,
                inputs=inputs,
                options=entry.options,
                member=member,
                description="",
            )
            ids.append(node.id)
            yield from (node,) if samples == 1 else _sampled(node, member, samples)
        yield _join(spec, join, ids, backup=before)
        before = join


def _sampled(node: NodeSpec, member: Member, samples: int) -> Iterator[NodeSpec]:
    """A member of a layer with `samples`: a sample group under the member's own id."""
    ids = [NodeId(f"{node.id}/{i + 1}") for i in range(samples)]
    for i, name in enumerate(ids):
        yield replace(node, id=name, member=replace(member, draw=(member.draw[0], i)))
    yield NodeSpec(id=node.id, kind=SAMPLE, inputs=tuple(Edge(i) for i in ids), member=member, pointer=node.pointer)


def _entries(spec: NodeSpec) -> list[Entry]:
    own = [dict(m) if isinstance(m, Mapping) else {"model": m} for m in spec.options["models"]]
    group = {k: v for k, v in spec.options.items() if k not in SHAPES and k not in JOINING}
    spread = temperatures(spec.options.get("spread"), group.get("temperature"), len(own))
    seen: Counter[ModelRef] = Counter()
    entries = []
    for i, (entry, key) in enumerate(zip(own, keys(own), strict=True)):
        options = merge(group, {k: v for k, v in entry.items() if k != "key" and not k.startswith("x-")})
        if spread is not None and "temperature" not in entry:
            options["temperature"] = spread[i]
        model = ModelRef.parse(str(entry["model"]))
        entries.append(Entry(key, options, seen[model]))
        seen[model] += 1
    return entries


MERGED = frozenset(("timeout", "retry", "usable", "present"))
"""Options that are merged key by key when a node's own come over `defaults` or a group's; all others are replaced."""


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `over` on top of those of `under`."""
    merged = {**under, **over}
    for key in MERGED & under.keys() & over.keys():
        if isinstance(under[key], Mapping) and isinstance(over[key], Mapping):
            merged[key] = {**under[key], **over[key]}
    return merged


def keys(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The key of each member: its own `key`, else the model's last path segment, numbered when it is taken."""
    taken = {str(e["key"]) for e in entries if "key" in e}
    result = []
    for entry in entries:
        if "key" in entry:
            result.append(str(entry["key"]))
            continue
        stem = key_of(str(entry["model"]))
        key, number = stem, 1
        while key in taken:
            number += 1
            key = f"{stem}-{number}"
        taken.add(key)
        result.append(key)
    return result


def key_of(model: str) -> str:
    """`google/gemini-3.5-flash@second` gives `gemini-3-5-flash`."""
    return as_key(ModelRef.parse(model).slug.rsplit("/", 1)[-1])


def as_key(text: str) -> str:
    """Lower case, with `-` for every character that an id does not hold."""
    return _NOT_KEY.sub("-", text.lower()) or "-"
