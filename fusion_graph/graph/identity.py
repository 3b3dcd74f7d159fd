"""What a node is, as a digest: what it asks for, and everything it stands on. Two runs in which a node has the same one
sent its models the same, but for what clocks decided. Pure; taken from the plan alone, before anything is spent."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from fusion_graph.contracts import Kind
from fusion_graph.graph.binding import Bound
from fusion_graph.graph.template import names
from fusion_graph.messages import Message
from fusion_graph.pipeline import Node


def identities(bound: Bound, messages: Sequence[Message]) -> tuple[str, ...]:
    """sha256 of every node, by index."""
    talk = hashlib.sha256(repr(tuple(messages)).encode("utf-8", "surrogatepass"))
    found = []
    for standing in _standing(bound):
        whole = talk.copy()
        whole.update(standing)
        found.append(whole.hexdigest())
    return tuple(found)


def _standing(bound: Bound) -> tuple[bytes, ...]:
    """What all runs of a graph share of it; worked out once."""
    known: tuple[bytes, ...] | None = bound.__dict__.get("standing")
    if known is None:
        known = bound.__dict__["standing"] = _worked_out(bound)
    return known


def _worked_out(bound: Bound) -> tuple[bytes, ...]:
    plan = bound.plan
    found = [b""] * len(bound.nodes)
    for i in plan.order:
        node = bound.nodes[i]
        own = (_own(node, bound.kinds[i], bound), i in bound.writers, plan.conditions[i], plan.waits[i])
        below = [found[s] for s in (*plan.before[i], *plan.sources[i])]
        found[i] = hashlib.sha256(repr((own, below)).encode("utf-8", "surrogatepass")).digest()
    return tuple(found)


def _own(node: Node, kind: Kind, bound: Bound) -> tuple[object, ...]:
    """What the node itself says to its model; not how long or how often it tries."""
    head = (node.id, kind.name, kind.version, node.inputs, node.options)
    model = node.model
    if model is None:
        return head
    used = {name for text in (model.system, model.prompt) if text for name in names(text)}
    params = {
        name: bound.params.get(name.removeprefix("params.")) for name in sorted(used) if name.startswith("params.")
    }
    told = (model.models, model.system, model.prompt, model.present, model.extract, model.usable, model.tools)
    return (*head, told, bound.sends[node.index], params)
