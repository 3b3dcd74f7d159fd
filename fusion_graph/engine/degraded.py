"""What a run did differently than its file asks: one entry per root cause, with what was done instead (semantics 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fusion_graph.contracts import WaitAll, WaitFirst
from fusion_graph.events import Degraded, Event, GroupClosed, NodeFinished
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.plan import CLOSINGS
from fusion_graph.outputs import Draft

QUIET = frozenset({"hedge_not_launched"})  # a node that failed so costs the run nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class DegradedEntry:
    """`reason` is a code, `text` for people, `action` what was done instead."""

    node: str
    role: str
    model: str
    reason: str
    text: str
    action: str


def degraded_entries(bound: Bound, events: Sequence[Event], answer: Draft | None) -> tuple[DegradedEntry, ...]:
    """In order of what happened; a cut-off answer last."""
    ended = {e.node: e for e in events if isinstance(e, NodeFinished)}
    chosen = {e.node: e.chosen for e in events if isinstance(e, GroupClosed)}
    found: list[DegradedEntry] = []
    for event in events:
        if isinstance(event, Degraded):
            found.append(_entry(bound, event.node, event.reason, event.text, event.action))
        elif isinstance(event, GroupClosed):
            found += [_late(bound, event, member) for member in event.late]
        elif isinstance(event, NodeFinished) and _is_root_cause(event):
            action = _action(bound, event.node, ended, chosen)
            found.append(_entry(bound, event.node, event.reason, event.detail or event.reason, action))
    if answer is not None and answer.truncated:
        found.append(
            _entry(bound, answer.node, "truncated", "the answer was cut off at its token limit", "returned as it is")
        )
    return tuple(dict.fromkeys(found))  # a cause that came up in several calls of a node is one


def _is_root_cause(event: NodeFinished) -> bool:
    if event.state == "cancelled":
        return event.reason in CLOSINGS  # it was wanted
    return event.state == "failed" and not event.reason.startswith("upstream:") and event.reason not in QUIET


def _late(bound: Bound, event: GroupClosed, member: str) -> DegradedEntry:
    went_on = f"{event.node} went on with {len(event.chosen)} of {len(event.chosen) + len(event.late)}"
    return _entry(bound, member, "late", "not ready when its group's quorum closed", went_on)


def _action(bound: Bound, node: str, ended: dict[str, NodeFinished], chosen: dict[str, tuple[str, ...]]) -> str:
    """What the nodes that read it did without it."""
    i = bound.by_id[node].index  # type: ignore[index]
    done = []
    for c, sources in enumerate(bound.plan.sources):
        consumer = ended.get(bound.plan.ids[c])
        if i not in sources or consumer is None or consumer.value is None:
            continue
        name, wait = bound.plan.ids[c], bound.plan.waits[c]
        taken = chosen.get(name, ())
        if isinstance(wait, WaitAll) or not taken:
            done.append(f"{name} went on without it")
        elif isinstance(wait, WaitFirst):
            done.append(f"{name} took {taken[0]}")
        else:
            done.append(went_on(name, taken, [bound.plan.ids[s] for s in sources]))
    return "; ".join(done) or "nothing could stand in for it"


def went_on(group: str, chosen: Sequence[str], members: Sequence[str]) -> str:
    """What a group did without some of its members: a depth that ended with nothing handed on the one before."""
    if chosen[0] not in members:
        return f"{group} handed on {chosen[0]}"
    return f"{group} went on with {len(chosen)} of {len(members)}"


def _entry(bound: Bound, node: str, reason: str, text: str, action: str) -> DegradedEntry:
    at = bound.by_id.get(node)  # type: ignore[call-overload]
    if at is None:
        return DegradedEntry(node=node, role="other", model="", reason=reason, text=text, action=action)
    model = str(at.model.model) if at.model else ""
    return DegradedEntry(
        node=node, role=bound.kinds[at.index].role, model=model, reason=reason, text=text, action=action
    )
