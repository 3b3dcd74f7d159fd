"""A bound graph whose nodes of some roles send other sampling: what a caller may say of a panel beside
its models. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from fusion_graph.graph.bound import Bound
from fusion_graph.pipeline import ModelOptions, Node


def retune(bound: Bound, changes: Callable[[str, ModelOptions], Mapping[str, Any]]) -> Bound:
    """`changes` gives for a role, and what a node of it sends now, the fields of `ModelOptions` to set."""

    def tuned(node: Node, role: str) -> Node:
        change = changes(role, node.model) if node.model is not None else {}
        return node if node.model is None or not change else replace(node, model=replace(node.model, **change))

    nodes = tuple(tuned(node, kind.role) for node, kind in zip(bound.nodes, bound.kinds, strict=True))
    return replace(bound, nodes=nodes)


def keep_tools(bound: Bound, names: frozenset[str]) -> Bound:
    """Each node keeps those of its tools that are named."""

    def kept(node: Node) -> Node:
        if node.model is None or not node.model.tools:
            return node
        tools = tuple(name for name in node.model.tools if name in names)
        return replace(node, model=replace(node.model, tools=tools))

    return replace(bound, nodes=tuple(kept(node) for node in bound.nodes))
