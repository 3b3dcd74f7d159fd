"""Who writes the answer: the sets W(n) and T(n) of semantics section 3, over bound nodes. Pure.

W(n) are the nodes whose text may become n's text: proposer and synth themselves; refine itself and its parent's
writers; a fallback's single-draft options'; none of what is handed on verbatim (judge select, vote, groups). T(n) is
what runs when a turn ends in a tool result: the writers alone, on the conversation alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fusion_graph.contracts import Kind, WaitFirst
from fusion_graph.pipeline import Edge, Node, NodeId


def draft_inputs(node: Node, by_id: Mapping[NodeId, Node]) -> tuple[Node, ...]:
    """The inputs that give drafts, in file order: a fallback's options."""
    sources = (by_id[edge.node] for edge in node.inputs)
    return tuple(s for s in sources if s.gives in ("draft", "drafts", "vote"))


def parent(node: Node, by_id: Mapping[NodeId, Node]) -> tuple[Node, ...]:
    """The text that a refine may hand on: its first input that is a single draft, whatever groups stand before it."""
    return tuple(s for s in draft_inputs(node, by_id) if s.gives != "drafts")[:1]


def writers(output: Node, by_id: Mapping[NodeId, Node], kinds: Mapping[str, Kind]) -> frozenset[int]:
    """W(output), as node indexes."""
    found: set[int] = set()
    stack, seen = [output], set[int]()
    while stack:
        node = stack.pop()
        if node.index in seen:
            continue
        seen.add(node.index)
        kind = kinds[node.kind]
        if kind.writes and node.model is not None:
            found.add(node.index)
        if kind.hands_on:
            stack.extend(parent(node, by_id))
        elif _is_fallback(node, kind):
            stack.extend(o for o in draft_inputs(node, by_id) if o.gives == "draft")
    return frozenset(found)


def tool_turn(output: Node, by_id: Mapping[NodeId, Node], kinds: Mapping[str, Kind]) -> tuple[Node, ...]:
    """T(output) as nodes without inputs, fallbacks over them last; empty when the output has no writer that could run
    alone, so the whole graph must run. Indexes are renumbered."""
    made: dict[NodeId, Node] = {}
    tops: dict[NodeId, NodeId | None] = {}  # what stands for each node that was looked at
    stack = [output]
    while stack:
        node = stack[-1]
        asked = _asked(node, by_id, kinds)
        waiting = [n for n in asked if n.id not in tops]
        stack.extend(reversed(waiting))
        if not waiting:
            tops.setdefault(node.id, _alone(node, kinds[node.kind], [tops[n.id] for n in asked], made))
            stack.pop()
    top = tops[output.id]
    if top is None:
        return ()
    ordered = [n for n in made.values() if n.id != top] + [made[top]]
    return tuple(replace(node, index=i) for i, node in enumerate(ordered))


def _asked(node: Node, by_id: Mapping[NodeId, Node], kinds: Mapping[str, Kind]) -> tuple[Node, ...]:
    """The nodes whose T makes this one's."""
    kind = kinds[node.kind]
    if kind.hands_on:
        return parent(node, by_id)
    return draft_inputs(node, by_id) if _is_fallback(node, kind) else ()


def _alone(node: Node, kind: Kind, found: Sequence[NodeId | None], made: dict[NodeId, Node]) -> NodeId | None:
    """The id of what stands for `node`, given those of the nodes it asked; what is new goes into `made`."""
    options = tuple(dict.fromkeys(top for top in found if top is not None))
    if kind.hands_on:
        return options[0] if options else None
    if kind.writes and node.model is not None:
        made.setdefault(node.id, replace(node, inputs=()))
        return node.id
    if not options:
        return None
    made[node.id] = replace(node, inputs=tuple(Edge(o) for o in options))
    return node.id


def _is_fallback(node: Node, kind: Kind) -> bool:
    return isinstance(kind.wait(node.options), WaitFirst)
