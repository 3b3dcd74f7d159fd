"""Runs that belong together: an eval, an agent's session, a conversation. They stand in the journal under one name, are
forgotten together, and go on together; what a series remembers beside its runs are lines, in order."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fusion_graph.errors import UsageError
from fusion_graph.messages import Completion
from fusion_graph.store.database import open_to_read, whole
from fusion_graph.store.journal import Job, Journal, RunMemory
from fusion_graph.store.owner import is_alive, me
from fusion_graph.store.past import Past, read_past
from fusion_graph.store.replies import read_completion

BEGIN = (
    "INSERT INTO series (id, command, title, place, fence, owner, state, began, tried)"
    " VALUES (?, ?, ?, ?, ?, ?, 'running', ?, ?)"
)
GO_ON = "UPDATE series SET state = 'running', ended = NULL, owner = ?, tried = ?, tries = tries + 1"
GO_ON += " WHERE id = ? AND tries = ?"  # nobody else has gone on with it since
END = "UPDATE series SET state = ?, ended = ? WHERE id = ? AND tries = ?"
WRITE = "INSERT INTO lines VALUES (?, ?, ?)"
RETIME = (
    "UPDATE attempts SET began = ended - ?, first = ended - ? + ?"
    " WHERE run = ? AND node = ? AND call = ? AND attempt = ? AND try = (SELECT tries FROM runs WHERE id = ?)"
)
HEARD = (
    "SELECT a.began, a.first, a.ended, blobs.body FROM runs JOIN attempts AS a ON a.run = runs.id"
    " JOIN blobs ON blobs.digest = a.reply"
    " WHERE runs.series = ? AND runs.part = ? AND a.digest = ? AND a.state = 'ok' AND a.reason = '' LIMIT 1"
)
SPENT = (
    "SELECT runs.id, SUM(COALESCE(prompt_tokens, 0) + COALESCE(completion_tokens, 0)) AS tokens,"
    " SUM(COALESCE(cost_usd, reserved_usd, 0)) AS usd,"
    " SUM(cost_usd IS NULL AND attempts.state != 'started') AS unknown"
    " FROM runs JOIN attempts ON attempts.run = runs.id WHERE runs.series = ? GROUP BY runs.id"
)
DOCUMENT = "SELECT body FROM runs JOIN blobs ON blobs.digest = runs.document WHERE runs.id = ?"
MOST_TITLE = 80
NOUNS = {"code": "session", "chat": "conversation", "eval": "eval", "tune": "search"}
"""What the series of a command is called."""


class Heard(NamedTuple):
    """A reply, and the time it took: until its first piece, and in all."""

    first_s: float
    seconds: float
    completion: Completion


@dataclass(slots=True, kw_only=True)
class Series:
    """Open in one process. `fence` is the same whenever it goes on, so that prompts are; `place`: what it works on."""

    journal: Journal
    command: str
    title: str = ""
    place: str = ""
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    fence: str = field(default_factory=lambda: secrets.token_hex(6))
    tries: int = 0  # earlier ones
    lines: list[dict[str, Any]] = field(default_factory=list)
    _written: int = 0
    _begun: bool = False

    @property
    def kept(self) -> bool:
        """It can go on in another process."""
        return self.journal.path is not None

    def begin(self) -> None:
        """It is something: from now on it stands in the journal. Raises UsageError where another process was faster."""
        if self._begun:
            return
        now = self.journal.clock()
        if self.tries:
            self._claim(now)
        self._begun = True
        if not self.tries:
            title = " ".join(self.title.split())[:MOST_TITLE]
            self.journal.put(BEGIN, (self.id, self.command, title, self.place, self.fence, me(), now, now))

    def _claim(self, now: float) -> None:
        if not self.journal.claim(GO_ON, (me(), now, self.id, self.tries)):
            raise UsageError(f"{NOUNS[self.command]} {self.id} goes on in another process", hint="wait for it")

    def end(self, state: str) -> None:
        """Nothing more comes of it in this process. It may go on."""
        if self._begun or self.tries:
            self.journal.put(END, (state, self.journal.clock(), self.id, self.tries + self._begun))

    # --- its lines ----------------------------------------------------------------------------------------------------

    def write(self, line: dict[str, Any]) -> None:
        self.begin()
        self.journal.put(WRITE, (self.id, len(self.lines) + self._written, json.dumps(line)))
        self._written += 1

    @property
    def length(self) -> int:
        """How many lines there are."""
        return len(self.lines) + self._written

    # --- its runs -----------------------------------------------------------------------------------------------------

    def run_id(self, *words: object) -> str:
        """Of the run that these words mean here: the same whenever the series goes on."""
        return hashlib.sha256(repr((self.id, *words)).encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def past(self, run: str) -> Past | None:
        """What an earlier process left of a run; None of a new one, and of one that cannot be read any more."""
        with suppress(UsageError, sqlite3.Error):
            connection = self.journal.read()
            if connection is not None and connection.execute("SELECT 1 FROM runs WHERE id = ?", (run,)).fetchone():
                return read_past(connection, run)
        return None

    def memory(self, job: Job, past: Past | None = None) -> RunMemory:
        """For a run of this series: a new one, or one that goes on."""
        self.begin()
        job = job._replace(series=self.id)
        return self.journal.begin(job) if past is None else self.journal.go_on(job, past)

    def spent(self) -> dict[str, tuple[int, float | None]]:
        """Tokens and dollars of each run so far; what was set aside for a call of which nobody knows how it ended."""
        with suppress(sqlite3.Error):
            connection = self.journal.read()
            rows = connection.execute(SPENT, (self.id,)).fetchall() if connection is not None else []
            return {row["id"]: (row["tokens"], None if row["unknown"] else row["usd"]) for row in rows}
        return {}

    def document(self, run: str) -> dict[str, Any] | None:
        """How a run was concluded."""
        row = self._one(DOCUMENT, run)
        return None if row is None else json.loads(row["body"])

    def heard(self, part: str, digest: str) -> Heard | None:
        """The reply to a call that any run of this part was given."""
        row = self._one(HEARD, self.id, part, digest)
        if row is None:
            return None
        with suppress(ValueError):
            first = row["first"] if row["first"] is not None else row["ended"]
            return Heard(first - row["began"], row["ended"] - row["began"], read_completion(row["body"]))
        return None

    def retime(self, run: str, call: tuple[str, int, int], heard: Heard) -> None:
        """An attempt left later than it was told of: it had to wait for something that is none of its time."""
        self.journal.put(RETIME, (heard.seconds, heard.seconds, heard.first_s, run, *call, run))

    async def flush(self) -> None:
        await self.journal.flush()

    def _one(self, sql: str, *values: object) -> sqlite3.Row | None:
        """One look at an index: microseconds, so in the event loop."""
        with suppress(sqlite3.Error):
            connection = self.journal.read()
            row: sqlite3.Row | None = connection.execute(sql, values).fetchone() if connection is not None else None
            return row
        return None


def take_up(journal: Journal, command: str, given: str, place: str | None = None) -> Series:
    """A series that goes on: by its id, the beginning of it, or `last` (of this place). Raises UsageError."""
    if journal.path is None:
        raise UsageError(f"the journal cannot be read: {journal.off or 'there is none'}", hint="begin anew")
    connection, noun = open_to_read(journal.path), NOUNS[command]
    try:
        row = _find(connection, command, given, place)
        if row["state"] == "running" and is_alive(row["owner"]):
            number = row["owner"].split("/")[1]
            raise UsageError(f"{noun} {row['id']} is still going on in process {number}", hint="wait for it")
        return Series(
            journal=journal,
            command=command,
            title=row["title"],
            place=row["place"],
            id=row["id"],
            fence=row["fence"],
            tries=row["tries"],
            lines=list(_lines(connection, row["id"])),
        )
    except (sqlite3.Error, ValueError) as fault:
        raise UsageError(f"{noun} {given} cannot be read any more: {fault}", hint="begin anew") from None
    finally:
        connection.close()


def _find(connection: sqlite3.Connection, command: str, given: str, place: str | None) -> sqlite3.Row:
    rows = connection.execute(
        "SELECT * FROM series WHERE command = ? AND (? = 'last' AND (? IS NULL OR place = ?) OR substr(id, 1, ?) = ?)"
        " ORDER BY tried DESC, began DESC LIMIT 2",
        [whole(value) for value in (command, given, place, place, len(given), given)],
    ).fetchall()
    if not rows or (len(rows) > 1 and given != "last"):
        what = f"{given!r} means several" if rows else f"there is no {NOUNS[command]} {given}"
        where = f" that worked on {place}" if place and given == "last" else ""
        raise UsageError(f"{what}{where}", hint="`fusiongraph runs` lists them; `last` is the newest")
    found: sqlite3.Row = rows[0]
    return found


def read_lines(connection: sqlite3.Connection, command: str, given: str) -> list[dict[str, Any]]:
    """What a series remembers, for whoever only looks. Raises UsageError."""
    row = _find(connection, command, given, None)
    try:
        return list(_lines(connection, row["id"]))
    except ValueError as fault:
        raise UsageError(f"{NOUNS[command]} {row['id']} cannot be read any more: {fault}", hint="begin anew") from None


def _lines(connection: sqlite3.Connection, series: str) -> Iterator[dict[str, Any]]:
    for row in connection.execute("SELECT body FROM lines WHERE series = ? ORDER BY number", (series,)):
        line = json.loads(row["body"])
        if not isinstance(line, dict):
            raise ValueError("not a line")  # noqa: TRY004 (of a file, not of ours)
        yield line
