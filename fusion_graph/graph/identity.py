"""What a node is, as a digest: what it asks for, and everything it stands on. Two runs in which a node has the same one
sent its models the same, but for what clocks decided. Pure; taken from the plan alone, before anything is spent."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from fusion_graph.contracts import Kind
from fusion_graph.graph.bound import Bound, Standing
from fusion_graph.graph.template import names
from fusion_graph.messages import Message
from fusion_graph.pipeline import Node


def identities(bound: Bound, messages: Sequence[Message], backend: str) -> tuple[str, ...]:
    """sha256 of every node, by index. `backend` is where models are reached that name none."""
    talk = hashlib.sha256(repr(tuple(messages)).encode("utf-8", "surrogatepass"))
    there = talk.copy()
    there.update(backend.encode())
    found = []
    for standing, leans in _standing(bound):
        whole = (there if leans else talk).copy()
        whole.update(standing)
        found.append(whole.hexdigest())
    return tuple(found)


def _standing(bound: Bound) -> tuple[Standing, ...]:
    """What all runs of a graph share of it; worked out once."""
    if bound.standing is None:
        bound.standing = _worked_out(bound)
    return bound.standing


def _worked_out(bound: Bound) -> tuple[Standing, ...]:
    plan = bound.plan
    found = [(b"", False)] * len(bound.nodes)
    for i in plan.order:
        node = bound.nodes[i]
        own = (_own(node, bound.kinds[i], bound), i in bound.writers, plan.conditions[i], plan.waits[i])
        below = [found[s] for s in (*plan.before[i], *plan.sources[i])]
        leans = any(not ref.backend for ref in node.model.models) if node.model else False
        digest = hashlib.sha256(repr((own, [digest for digest, _ in below])).encode("utf-8", "surrogatepass")).digest()
        found[i] = digest, leans or any(leaning for _, leaning in below)
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
