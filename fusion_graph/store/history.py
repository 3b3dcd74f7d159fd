"""A run as the journal has it, for people who look: with all its nodes and attempts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any

from fusion_graph.errors import UsageError
from fusion_graph.messages import Usage
from fusion_graph.store import conversation
from fusion_graph.store.listing import RunLine, list_runs

TOOLS = (
    "SELECT node, number, tool, arguments, state, body AS answer FROM tools LEFT JOIN blobs ON digest = answer"
    " WHERE run = ? ORDER BY node, number"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLine:
    """How a node ended, by its last word."""

    node: str
    state: str
    reason: str
    detail: str
    began: float | None
    ended: float
    chosen: tuple[str, ...]
    late: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLine:
    """One attempt at a model. `state`: started (nobody knows how it went on), ok, failed or cancelled."""

    number: int  # of the try of the run
    node: str
    call: int
    attempt: int
    model: str
    digest: str
    state: str
    reason: str
    message: str
    began: float
    first: float | None
    ended: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None
    exact: bool
    reply: str | None

    @property
    def usage(self) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens or 0,
            completion_tokens=self.completion_tokens or 0,
            estimated=not self.exact,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run with all that is known of it. `document` is its result as `--json` prints it, if it came to one."""

    line: RunLine
    source: str
    file: str
    params: dict[str, Any]
    messages: str
    nodes: tuple[NodeLine, ...]
    attempts: tuple[AttemptLine, ...]
    notes: tuple[dict[str, Any], ...]
    tools: tuple[dict[str, Any], ...]
    document: dict[str, Any] | None


def read_run(connection: Connection, run: str) -> StoredRun:
    """Everything about one run. Raises UsageError for one that cannot be read any more."""
    row = connection.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone()
    (line,) = list_runs(connection, most=1, run=run)
    nodes = connection.execute("SELECT * FROM node_runs WHERE run = ? ORDER BY ended", (run,)).fetchall()
    attempts = connection.execute("SELECT * FROM attempts WHERE run = ? ORDER BY try, began", (run,)).fetchall()
    notes = connection.execute("SELECT * FROM notes WHERE run = ? ORDER BY at", (run,)).fetchall()
    tools = connection.execute(TOOLS, (run,)).fetchall()
    try:
        document = _body(connection, row["document"])
        return StoredRun(
            line=line,
            source=_body(connection, row["source"]) or "",
            file=row["file"],
            params=json.loads(row["params"]),
            messages=conversation.read(connection, row["messages"]),
            nodes=tuple(_node(found) for found in nodes),
            attempts=tuple(_attempt(found) for found in attempts),
            notes=tuple(map(_plain, notes)),
            tools=tuple(map(_plain, tools)),
            document=json.loads(document) if document else None,
        )
    except (ValueError, TypeError) as fault:
        raise UsageError(f"run {run} cannot be read any more: {fault}", hint="the file was changed by others") from None


def _plain(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in row.keys() if name != "run"}  # noqa: SIM118


def reply_of(connection: Connection, attempt: AttemptLine) -> str:
    """The reply as it was kept, as JSON; "" if there is none."""
    return _body(connection, attempt.reply) or ""


def _body(connection: Connection, digest: str | None) -> str | None:
    row = connection.execute("SELECT body FROM blobs WHERE digest = ?", (digest,)).fetchone() if digest else None
    return None if row is None else str(row["body"])


def _node(row: Row) -> NodeLine:
    return NodeLine(
        node=row["node"],
        state=row["state"],
        reason=row["reason"],
        detail=row["detail"],
        began=row["began"],
        ended=row["ended"],
        chosen=_names(row["chosen"]),
        late=_names(row["late"]),
    )


def _names(text: str | None) -> tuple[str, ...]:
    names: Sequence[Any] = json.loads(text or "[]")
    return tuple(str(name) for name in names)


def _attempt(row: Row) -> AttemptLine:
    told = {f: row[f] for f in AttemptLine.__dataclass_fields__ if f not in ("number", "exact")}
    return AttemptLine(number=row["try"], exact=bool(row["exact"]), **told)
