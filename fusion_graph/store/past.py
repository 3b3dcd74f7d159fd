"""What earlier tries of a run left in the journal, as its next try needs it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import NamedTuple, TypeAlias

from fusion_graph.errors import UsageError
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.plan import CLOSINGS
from fusion_graph.messages import Completion, Message, Told
from fusion_graph.store import conversation
from fusion_graph.store.owner import is_alive
from fusion_graph.store.replies import read_completion, read_messages

USABLE = ("ok", "cached", "replayed")
BODIES = (
    "SELECT digest, body FROM blobs WHERE digest = ?"
    " OR digest IN (SELECT reply FROM attempts WHERE run = ?)"
    " OR digest IN (SELECT answer FROM tools WHERE run = ?)"
)
NOTES = "SELECT node, reason, text, action FROM notes WHERE run = ? ORDER BY try, at"

Note: TypeAlias = tuple[str, str, str, str]
"""Node, reason, text, action: an entry of `degraded`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastNode:
    """How a node stood when the last try ended."""

    identity: str
    state: str
    reason: str = ""
    detail: str = ""
    chosen: tuple[str, ...] = ()
    late: tuple[str, ...] = ()


class PastTool(NamedTuple):
    """A call of a tool. What it gave is open where nobody wrote it down: it may have happened or not."""

    tool: str
    arguments: str
    told: Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """`replies` by node and call digest, in the order they came; `in_flight` calls that left and whose end nobody wrote
    down: they may have been paid for, and count as what was set aside for them; `tools` by node and number."""

    id: str
    pipeline: str
    source: str
    params: Mapping[str, object]
    messages: tuple[Message, ...]
    seed: int | None
    fence: str
    state: str
    began: float
    tries: int
    nodes: Mapping[str, PastNode]
    notes: Sequence[Note]  # what stood in `degraded` beside the ends of nodes
    replies: Mapping[tuple[str, str], Completion]
    tools: Mapping[tuple[str, int], PastTool]
    in_flight: tuple[str, ...]
    spent: tuple[float, int, int]
    cost_usd: float | None  # None where a price is unknown; then `spent` is too low
    held_usd: float  # of it, for what was in flight

    def decided(self, identities: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        """How joins were closed and fallbacks chosen, of nodes that are still the same."""
        return {
            name: node.chosen
            for name, node in self.nodes.items()
            if node.chosen and node.state in USABLE and node.identity == identities.get(name)
        }

    def lost(self, identities: Mapping[str, str], bound: Bound) -> list[Note]:
        """What earlier tries went without, of nodes that are still the same. Where it is not asked for again it must
        not be forgotten."""
        found: dict[tuple[str, str], Note] = {}
        for name, chosen in self.decided(identities).items():
            members = [bound.plan.ids[s] for s in bound.plan.sources[bound.plan.index[name]]]
            went_on = f"{name} went on with {len(chosen)} of {len(members)} in an earlier try"
            if not set(chosen) & set(members):  # a depth that ended with nothing
                went_on = f"{name} handed on {chosen[0]} in an earlier try"
            for member in members:
                node = self.nodes.get(member)
                if member in chosen or node is None:
                    continue
                late = member in self.nodes[name].late
                if late or _is_lost(node):
                    reason = "late" if late else node.reason
                    found.setdefault((member, reason), (member, reason, node.detail or reason, went_on))
        same = {name: node for name, node in self.nodes.items() if node.identity == identities.get(name)}
        for name, node in same.items():
            if _is_lost(node):
                told = (name, node.reason, node.detail or node.reason, "nobody waited for it any more")
                found.setdefault((name, node.reason), told)
        for note in self.notes:
            if note[0] in same:
                found.setdefault(note[:2], note)
        return list(found.values())


def _is_lost(node: PastNode) -> bool:
    """Something began to go wrong there: it failed by itself, or was wanted when the run stopped waiting."""
    if node.state == "cancelled":
        return node.reason in CLOSINGS
    return node.state == "failed" and not node.reason.startswith(("upstream:", "hedge_not_launched"))


def read_past(connection: Connection, run: str) -> Past:
    """Raises UsageError for a run that is not there, that still runs, or that nobody can read any more."""
    row = connection.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone()
    if row is None:
        raise UsageError(f"there is no run {run!r} in the journal", hint="`fusiongraph runs` lists them")
    if row["state"] == "running" and is_alive(row["owner"]):
        raise UsageError(f"run {run} is still going on in process {row['owner'].split('/')[1]}", hint="wait for it")
    bodies = dict(map(tuple, connection.execute(BODIES, (row["source"], run, run))))
    attempts = connection.execute("SELECT * FROM attempts WHERE run = ? ORDER BY try, began", (run,)).fetchall()
    costs = [_cost(attempt) for attempt in attempts]
    try:
        return Past(
            id=run,
            pipeline=row["pipeline"],
            source=bodies[row["source"]],
            params=dict(json.loads(row["params"]).items()),
            messages=read_messages(conversation.read(connection, row["messages"])),
            seed=row["seed"],
            fence=row["fence"],
            state=row["state"],
            began=row["began"],
            tries=row["tries"],
            nodes={node["node"]: _node(node) for node in connection.execute(
                "SELECT * FROM node_runs WHERE run = ?", (run,))},
            notes=[tuple(note) for note in connection.execute(NOTES, (run,))],
            replies={(a["node"], a["digest"]): read_completion(bodies[a["reply"]]) for a in attempts if a["reply"]},
            tools={
                (t["node"], t["number"]): PastTool(t["tool"], t["arguments"], _told(t, bodies))
                for t in connection.execute("SELECT * FROM tools WHERE run = ?", (run,))
            },
            in_flight=_in_flight(attempts),
            spent=(
                sum(cost or 0.0 for cost in costs),
                len(attempts),
                sum((a["prompt_tokens"] or 0) + (a["completion_tokens"] or 0) for a in attempts),
            ),
            cost_usd=None if None in costs else sum(cost or 0.0 for cost in costs),
            held_usd=sum(a["reserved_usd"] or 0.0 for a in attempts if a["state"] == "started"),
        )  # fmt: skip
    except (KeyError, ValueError, TypeError, AttributeError) as fault:  # somebody else wrote into the file
        raise UsageError(f"run {run} cannot be read any more: {fault}", hint="begin it anew") from None


def _cost(attempt: Row) -> float | None:
    """Of one whose end nobody wrote down: what was set aside for it, as it may have cost that."""
    cost: float | None = attempt["reserved_usd"] if attempt["state"] == "started" else attempt["cost_usd"]
    return cost


def _in_flight(attempts: Sequence[Row]) -> tuple[str, ...]:
    """Nodes with a call of which nobody knows how it ended, and that was not answered later either."""
    answered = {(a["node"], a["digest"]) for a in attempts if a["state"] == "ok"}
    open_ended = (a for a in attempts if a["state"] == "started" and (a["node"], a["digest"]) not in answered)
    return tuple(dict.fromkeys(a["node"] for a in open_ended))


def _told(row: Row, bodies: Mapping[str, str]) -> Told:
    return Told(None, "") if row["state"] == "started" else Told(row["state"] == "ok", bodies[row["answer"]])


def _node(row: Mapping[str, str]) -> PastNode:
    return PastNode(
        identity=row["identity"],
        state=row["state"],
        reason=row["reason"],
        detail=row["detail"],
        chosen=_names(row["chosen"]),
        late=_names(row["late"]),
    )


def _names(text: str | None) -> tuple[str, ...]:
    names = json.loads(text or "[]")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"not a list of nodes: {text}")
    return tuple(names)
