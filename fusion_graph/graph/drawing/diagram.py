"""The picture of a bound pipeline, in no drawing's dialect: boxes, arrows, clusters and, of a finished run, how each
node ended. `dot`, `mermaid` and `terminal` write it down; `drawing` makes SVG and PNG of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from fusion_graph.contracts import Kind, WaitFirst, WaitGroup
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.drawing.captions import clean, conditions, waiting
from fusion_graph.graph.forecast.least import Least
from fusion_graph.pipeline import AnyOf, Condition, FieldRef, Node

Role: TypeAlias = Literal["draft", "judge", "writer", "refine", "choice", "group"]
"""What a box is for, read from its kind's contract and never from its name: a new kind has a look at once."""

Style: TypeAlias = Literal["solid", "dashed", "dotted"]
"""Of an arrow: a required input, an optional one, order without data (`after`, `when`)."""

STRENGTH: Mapping[Style, int] = {"dotted": 0, "dashed": 1, "solid": 2}


class Ending(NamedTuple):
    """How a node ended in a run. `seconds` and `cost_usd` are None when there is nothing to tell."""

    state: str
    reason: str = ""
    seconds: float | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One node, or with `members` a whole group folded into one box. `title` is the id, inside a cluster its last
    part."""

    id: str
    title: str
    kind: str
    role: Role
    model: str = ""
    notes: tuple[str, ...] = ()
    tooltip: str = ""
    cluster: str = ""
    output: bool = False
    off: bool = False  # the parameters let it never run
    ending: Ending | None = None
    members: tuple[Box, ...] = ()


class Arrow(NamedTuple):
    """From a box to one that waits for it."""

    source: str
    target: str
    style: Style = "solid"
    label: str = ""


class Cluster(NamedTuple):
    """A frame around a group's members and its join; `id` is the join's. `parent` is the frame around it, or ""."""

    id: str
    parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything a drawing needs, in file order."""

    name: str
    description: str = ""
    boxes: tuple[Box, ...] = ()
    arrows: tuple[Arrow, ...] = ()
    clusters: tuple[Cluster, ...] = ()


def picture(bound: Bound, states: Mapping[str, tuple[str, str, float | None, float | None]] | None = None) -> Picture:
    """The picture of a pipeline; with `states` (node id -> Ending), of what a run made of it."""
    parents = _parents(bound)
    frames = parents | {join: join for join in parents.values()}  # a join stands in its own frame
    texts = {str(spec.id): spec.description for spec in bound.pipeline.nodes}
    least = Least(bound.plan, [0] * len(bound.nodes))
    off = frozenset(node.id for node in bound.nodes if not least.can_run(node.index))
    endings = {name: Ending(*ending) for name, ending in (states or {}).items()}
    return Picture(
        name=clean(bound.pipeline.name),
        description=clean(bound.pipeline.description),
        boxes=tuple(
            _box(bound, node, frames, texts.get(node.id, ""), endings.get(node.id), off) for node in bound.nodes
        ),
        arrows=_arrows(bound),
        clusters=_clusters(bound, parents),
    )


def role_of(node: Node, kind: Kind) -> Role:
    """What the node is for, by what its kind promises."""
    wait = kind.wait(node.options)
    if isinstance(wait, WaitGroup):
        return "group"
    if isinstance(wait, WaitFirst):
        return "choice"
    if node.gives != "draft" or not kind.writes:
        return "judge"
    if kind.hands_on:
        return "refine"
    return "writer" if kind.needs_draft else "draft"


def _box(
    bound: Bound, node: Node, frames: Mapping[str, str], text: str, ending: Ending | None, off: frozenset[str]
) -> Box:
    frame, role = frames.get(node.id, ""), role_of(node, bound.kinds[node.index])
    return Box(
        id=node.id,
        title=clean(node.id.removeprefix(f"{frame}/")),
        kind=clean(_kind(node, role)),
        role=role,
        model=clean(str(node.model.model)) if node.model else "",
        notes=_notes(bound, node) + (("off with these parameters",) if node.id in off else ()),
        tooltip=clean(text),
        cluster=frame,
        output=node.index == bound.output,
        off=node.id in off,
        ending=ending._replace(reason=clean(ending.reason)) if ending else None,
    )


def _kind(node: Node, role: Role) -> str:
    """The kind, of a group with its members, of a judge with what it gives."""
    more: Mapping[str, str] = {"group": f" x{len(node.inputs)}", "judge": f": {node.gives}"}
    return node.kind + more.get(role, "")


def _notes(bound: Bound, node: Node) -> tuple[str, ...]:
    """What the file says about when and how the node goes on, a line each."""
    plan, found = bound.plan, []
    if node.model and node.model.alternates:
        found.append("else " + ", ".join(str(m) for m in node.model.alternates))
    condition = plan.conditions[node.index]
    if condition:
        found.append(f"when {conditions(condition)}")
    found.append(waiting(plan.waits[node.index], len(node.inputs)))
    return tuple(clean(text) for text in found if text)


# --- frames -----------------------------------------------------------------------------------------------------------


def _parents(bound: Bound) -> dict[str, str]:
    """The join in whose frame a member made for it stands. Members that are nodes of their own (a layer's `members`)
    stay where they are: more than one group may hold them."""
    joins = (node for node in bound.nodes if isinstance(bound.plan.waits[node.index], WaitGroup))
    return {e.node: join.id for join in joins for e in join.inputs if e.node.startswith(f"{join.id}/")}


def _clusters(bound: Bound, parents: Mapping[str, str]) -> tuple[Cluster, ...]:
    held = set(parents.values())
    return tuple(Cluster(join.id, parents.get(join.id, "")) for join in bound.nodes if join.id in held)


# --- arrows -----------------------------------------------------------------------------------------------------------


def _arrows(bound: Bound) -> tuple[Arrow, ...]:
    """One arrow per pair: data beats order, and the label says both."""
    found: dict[tuple[str, str], Arrow] = {}
    for node in bound.nodes:
        for arrow in (*_data(bound, node), *_order(bound, node)):
            pair = (arrow.source, arrow.target)
            found[pair] = _both(found[pair], arrow) if pair in found else arrow
    return tuple(found.values())


def _both(one: Arrow, other: Arrow) -> Arrow:
    style = max(one.style, other.style, key=STRENGTH.__getitem__)
    return one._replace(style=style, label=", ".join(t for t in (one.label, other.label) if t))


def _data(bound: Bound, node: Node) -> list[Arrow]:
    """Inputs; a fallback's options carry their place in the order of preference."""
    choice = isinstance(bound.plan.waits[node.index], WaitFirst)
    aids = {bound.nodes[i].id for i in bound.plan.aids[node.index]}
    place, found = 0, []
    for edge in node.inputs:
        label = ""
        if choice and edge.node not in aids:
            place += 1
            label = str(place)
        found.append(Arrow(edge.node, node.id, "dashed" if edge.optional else "solid", label))
    return found


def _order(bound: Bound, node: Node) -> list[Arrow]:
    """`when` and `after`; a label names the field that is read."""
    condition = bound.plan.conditions[node.index]
    fields: dict[str, list[str]] = {}
    for ref in _reads(condition) if condition else ():
        fields.setdefault(ref.node, []).append(ref.field)
    found = []
    for i in bound.plan.before[node.index]:
        source = bound.nodes[i].id
        label = f"when {', '.join(dict.fromkeys(fields[source]))}" if source in fields else "after"
        found.append(Arrow(source, node.id, "dotted", clean(label)))
    return found


def _reads(condition: Condition) -> Iterator[FieldRef]:
    """The fields a condition reads, in order."""
    for test in condition.tests:
        if isinstance(test, AnyOf):
            for inner in test.conditions:
                yield from _reads(inner)
        elif isinstance(test.subject, FieldRef):
            yield test.subject
