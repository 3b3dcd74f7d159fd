"""Planning: bound nodes become the plan that runs move through. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.contracts import Kind, Wait, WaitAll, WaitFirst, WaitGroup
from fusion_graph.errors import Diagnostic, PipelineError
from fusion_graph.graph.plan import Plan
from fusion_graph.graph.writers import draft_inputs, parent
from fusion_graph.pipeline import AnyOf, Condition, FieldRef, Node, NodeId


def plan_of(
    nodes: tuple[Node, ...],
    kinds: tuple[Kind, ...],
    by_id: Mapping[NodeId, Node],
    whens: tuple[Condition | None, ...],
    afters: Mapping[NodeId, tuple[NodeId, ...]],
    backups: Mapping[NodeId, NodeId],
    wrote: frozenset[int],
    output: int,
    params: Mapping[str, Any],
) -> Plan:
    """The plan of bound nodes. Raises PipelineError (FG501) for a quorum above its members."""
    waits = tuple(kind.wait(node.options) for node, kind in zip(nodes, kinds, strict=True))
    sources = tuple(tuple(by_id[e.node].index for e in node.inputs) for node in nodes)
    before = tuple(
        tuple(dict.fromkeys(by_id[name].index for name in (*_named(when), *afters.get(node.id, ()))))
        for node, when in zip(nodes, whens, strict=True)
    )
    for node, wait in zip(nodes, waits, strict=True):
        _check_quorum(node, wait, pipeline_file="<bound>")
    aids = tuple(_aids(node, wait, by_id) for node, wait in zip(nodes, waits, strict=True))
    backed = tuple(by_id[backups[n.id]].index if n.id in backups else -1 for n in nodes)
    return Plan(
        ids=tuple(node.id for node in nodes),
        index={node.id: i for i, node in enumerate(nodes)},
        sources=sources,
        required=tuple(frozenset(by_id[e.node].index for e in node.inputs if not e.optional) for node in nodes),
        before=before,
        conditions=whens,
        waits=waits,
        group_waits=tuple(wait if isinstance(wait, WaitGroup) else None for wait in waits),
        first_waits=tuple(wait if isinstance(wait, WaitFirst) else None for wait in waits),
        patient=tuple(_is_patient(wait, backup) for wait, backup in zip(waits, backed, strict=True)),
        aids=aids,
        options=tuple(tuple(s for s in mine if s not in aid) for mine, aid in zip(sources, aids, strict=True)),
        backups=backed,
        consumers=_consumers(sources, before, backed),
        draft_sources=tuple(
            _draft_sources(node, kind, by_id) if kind.needs_draft and node.inputs else None
            for node, kind in zip(nodes, kinds, strict=True)
        ),
        calls=tuple(node.model is not None for node in nodes),
        groups=tuple(node.gives == "drafts" for node in nodes),
        writers=wrote,
        hedged=frozenset(
            s for i, w in enumerate(waits) if isinstance(w, WaitFirst) and w.hedge_after_s for s in sources[i]
        ),
        order=topological(sources, before),
        output=output,
        params=params,
    )


def _named(when: Condition | None) -> tuple[NodeId, ...]:
    """The nodes a condition reads, in order."""
    if when is None:
        return ()
    found: list[NodeId] = []
    for test in when.tests:
        if isinstance(test, AnyOf):
            found += [n for c in test.conditions for n in _named(c)]
        elif isinstance(test.subject, FieldRef):
            found.append(test.subject.node)
    return tuple(found)


def _aids(node: Node, wait: Wait, by_id: Mapping[NodeId, Node]) -> tuple[int, ...]:
    if not isinstance(wait, WaitFirst):
        return ()
    return tuple(by_id[e.node].index for e in node.inputs if by_id[e.node].gives in ("analysis", "scores"))


def _is_patient(wait: Wait, backup: int) -> bool:
    """All but fallbacks, quorums and joins that hold on to a backup."""
    return backup < 0 and (isinstance(wait, WaitAll) or (isinstance(wait, WaitGroup) and wait.quorum is None))


def _consumers(
    sources: tuple[tuple[int, ...], ...], before: tuple[tuple[int, ...], ...], backed: tuple[int, ...]
) -> tuple[tuple[int, ...], ...]:
    found: list[list[int]] = [[] for _ in sources]
    for c, named in enumerate(zip(sources, before, backed, strict=True)):
        for s in {*named[0], *named[1], named[2]} - {-1}:
            found[s].append(c)
    return tuple(tuple(consumers) for consumers in found)


def _draft_sources(node: Node, kind: Kind, by_id: Mapping[NodeId, Node]) -> tuple[int, ...]:
    """A refine needs the text that it refines: no reference may take its place."""
    return tuple(source.index for source in (parent if kind.hands_on else draft_inputs)(node, by_id))


def _check_quorum(node: Node, wait: Wait, *, pipeline_file: str) -> None:
    """What the file itself says was checked, with its line: here the number is a caller's value of a parameter."""
    if isinstance(wait, WaitGroup) and (wait.quorum or 0) > len(node.inputs):
        raise PipelineError(
            [
                Diagnostic(
                    code="FG501",
                    message=f"node {node.id!r}: quorum {wait.quorum} is above its {len(node.inputs)} members",
                    file=pipeline_file,
                    hint="give its parameter a lower value",
                )
            ]
        )


def topological(sources: tuple[tuple[int, ...], ...], before: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    """Every node after what it names, ties in file order. The graph is known to have no cycle."""
    placed, order = [False] * len(sources), list[int]()
    for root in range(len(sources)):
        stack = [(root, iter((*before[root], *sources[root])))]
        while stack:
            i, rest = stack[-1]
            if placed[i]:
                stack.pop()
                continue
            step = next((s for s in rest if not placed[s]), None)
            if step is None:
                placed[i] = True
                order.append(i)
                stack.pop()
            else:
                stack.append((step, iter((*before[step], *sources[step]))))
    return tuple(order)
