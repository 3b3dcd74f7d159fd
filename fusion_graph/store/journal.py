"""The journal: every run written down while it runs, so that it can be looked at, and gone on with after a crash
without buying twice what was paid for (semantics 7)."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection, OperationalError
from typing import Any, NamedTuple

from fusion_graph.contracts import Recalled
from fusion_graph.errors import UsageError
from fusion_graph.events import CallStarted, Event, RunFinished, RunStarted
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.identity import identities
from fusion_graph.messages import Call, Completion, Message, Told, ToolCall
from fusion_graph.pipeline import ModelRef, Node
from fusion_graph.store import conversation
from fusion_graph.store.cache import Cache
from fusion_graph.store.database import Database, Statement, changing, open_to_read, transaction
from fusion_graph.store.digest import call_digest
from fusion_graph.store.options import StoreOptions
from fusion_graph.store.owner import me
from fusion_graph.store.past import Past
from fusion_graph.store.pruning import prune
from fusion_graph.store.recorder import Recorder
from fusion_graph.store.tables import JOURNAL

FILE = "runs.db"
DAY_S, MB = 86_400.0, 1 << 20
PLACE = "INSERT OR IGNORE INTO blobs (digest, body) VALUES (?, ?)"
BEGIN = (
    "INSERT INTO runs (id, pipeline, file, command, source, params, messages, seed, fence, owner, state, began, tried,"
    " series, part) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'running', ?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET state = 'running', ended = NULL, tries = tries + 1"  # a series gives names of its own
)
GO_ON = "UPDATE runs SET state = 'running', ended = NULL, owner = ?, tried = ?, tries = tries + 1"
GO_ON += " WHERE id = ? AND tries = ?"  # nobody else has gone on with it since
USE = "INSERT OR REPLACE INTO tools VALUES (?, ?, ?, ?, ?, ?, ?)"
PARAMS = json.JSONEncoder(default=str)
CONCLUDE = "UPDATE runs SET document = ? WHERE id = ?"


class Job(NamedTuple):
    """A run to be written down. `backend` is the one of models that name none; `series` what it belongs to, and `part`
    who shares replies there."""

    id: str
    bound: Bound
    messages: tuple[Message, ...]
    fence: str
    backend: str
    seed: int | None = None
    command: str = "run"
    series: str | None = None
    part: str = ""


class Journal:
    """One per process. Opened at once; a file that cannot be written shows in `off`, and all else goes on; `tell` hears
    why, once, as soon as something is not written. Without a folder nothing is written at all."""

    def __init__(
        self,
        folder: Path | None,
        clock: Callable[[], float] = time.time,
        tell: Callable[[str], None] = lambda _why: None,
    ) -> None:
        self.clock = clock
        self._tell: Callable[[str], None] | None = tell
        self._used = False
        self._database = Database(folder / FILE, JOURNAL) if folder else None
        self._placed: list[Statement] = []  # texts that the next row refers to
        self._reader: Connection | None = None
        if self._database is not None:
            self._database.open()

    @property
    def off(self) -> str:
        """Why nothing is written; "" while it is."""
        return self._database.broken if self._database else ""

    @property
    def path(self) -> Path | None:
        """Where all this can be read; None while nothing is written."""
        return self._database.path if self._database is not None and not self.off else None

    def read(self) -> Connection | None:
        """For queries, until it is closed; None while nothing is written."""
        if self._reader is None and self.path is not None:
            self._reader = open_to_read(self.path)
        return self._reader

    def close(self) -> None:
        """Write what is left."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._database is not None:
            self._database.close()
            self._look()

    def check(self) -> None:
        """Tell at once if nothing can be written, though nothing was to be yet."""
        if self.off and self._tell is not None:
            tell, self._tell = self._tell, None
            tell(self.off)

    def _look(self) -> None:
        if self._used:
            self.check()

    def begin(self, job: Job, cache: Cache | None = None) -> RunMemory:
        """For a run that is new. It stands in the journal once the engine has begun it: what is refused is no run."""
        return RunMemory(self, job, begin=lambda: self._begin(job), cache=cache)

    def _begin(self, job: Job) -> None:
        now, pipeline = self.clock(), job.bound.pipeline
        source, messages = (
            self._place_as(pipeline.digest, pipeline.source),
            conversation.place(job.messages, self.place, self._place),
        )
        params = PARAMS.encode(dict(job.bound.params))
        what = (job.id, pipeline.name, pipeline.file, job.command, source, params, messages, job.seed, job.fence)
        self.put(BEGIN, (*what, me(), now, now, job.series, job.part))

    def go_on(self, job: Job, past: Past, cache: Cache | None = None) -> RunMemory:
        """The next try of a run that was written down. It begins with a UsageError where another process was faster; a
        series has made sure of that for all its runs."""
        now = self.clock()

        def begin() -> None:
            values = (me(), now, job.id, past.tries)
            if job.series:
                self.put(GO_ON, values)
            elif not self.claim(GO_ON, values):
                raise UsageError(f"run {job.id} goes on in another process", hint="wait for it")

        return RunMemory(self, job, begin=begin, cache=cache, past=past, offset=now - past.began)

    def put(self, sql: str, values: Sequence[Any]) -> None:
        """A row, in one transaction with the texts it refers to: others may be sweeping those that no row does."""
        placed, self._placed, self._used = self._placed, [], True
        if self._database is not None:
            self._database.put(sql, values, placed)

    def claim(self, sql: str, values: Sequence[Any]) -> bool:
        """Change one row at once, not by the queue: of two processes that go on with the same thing one must know that
        it is too late. Trouble with the file is not that: the queue will meet it too, and then nothing is written."""
        if self.path is None:
            return True
        try:
            with changing(self.path, JOURNAL) as connection, transaction(connection):
                return connection.execute(sql, values).rowcount == 1
        except UsageError:
            return True

    def place(self, text: str) -> str:
        """The digest under which a text lies, once a row that refers to it was put."""
        return self._place_as(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), text)

    def _place_as(self, digest: str, text: str) -> str:
        self._place(PLACE, (digest, text))
        return digest

    def _place(self, sql: str, values: Sequence[Any]) -> None:
        if self._database is not None:
            self._placed.append((sql, values))

    def prune(self, options: StoreOptions) -> None:
        """Forget what is too old or too much, when there is nothing else to write."""
        before, most = self.clock() - options.keep_days * DAY_S, int(options.max_mb * MB)

        def task(connection: Connection) -> None:
            with suppress(OperationalError):  # a lock or a full disk: the next one tries again, and nothing is lost
                prune(connection, before=before, max_bytes=most)

        if self._database is not None:
            self._database.do(task)

    async def flush(self) -> None:
        if self._database is not None:
            await self._database.flush()
            self._look()


class RunMemory:
    """One try of one run: hears its events and writes them down; knows what earlier tries were answered. Implements
    contracts.Memory."""

    def __init__(
        self,
        journal: Journal,
        job: Job,
        *,
        begin: Callable[[], None],
        cache: Cache | None = None,
        past: Past | None = None,
        offset: float = 0.0,
    ) -> None:
        self._journal = journal
        self._begin = begin
        self._job = job
        self._cache = cache
        ids = job.bound.plan.ids
        same = dict(zip(ids, identities(job.bound, job.messages, job.backend), strict=True))
        self._recorder = Recorder(
            job.id,
            past.tries + 1 if past else 1,
            put=journal.put,
            place=journal.place,
            digest=self._digest_of,
            identities=same,
            offset=offset,
        )
        self._replies: dict[tuple[str, str], Completion] = dict(past.replies) if past else {}
        self._tools = past.tools if past else {}
        self.decided: Mapping[str, tuple[str, ...]] = past.decided(same) if past else {}
        self.lost: Sequence[tuple[str, str, str, str]] = past.lost(same, job.bound) if past else ()
        self.spent = past.spent if past else (0.0, 0, 0)

    def tell(self, event: Event) -> None:
        if isinstance(event, RunFinished):
            self._recorder.end(event, self._journal.clock())
        elif isinstance(event, RunStarted):
            self._begin()
        else:
            self._recorder.tell(event)

    def told(self, node: Node, number: int, call: ToolCall) -> Told | None:
        past = self._tools.get((node.id, number))
        return past.told if past is not None and past[:2] == (call.name, call.arguments) else None

    def use(self, node: Node, number: int, call: ToolCall, told: Told | None = None) -> None:
        """A tool is called, or has answered."""
        state, answer = "started", None
        if told is not None:
            state, answer = "ok" if told.ok else "failed", self._journal.place(told.text)
        self._journal.put(USE, (self._job.id, node.id, number, call.name, call.arguments, state, answer))

    async def commit(self) -> None:
        await self._journal.flush()
        if self._cache is not None:
            await self._cache.flush()

    def conclude(self, document: str) -> None:
        """The whole result, as `--json` prints it."""
        self._journal.put(CONCLUDE, (self._journal.place(document), self._job.id))

    def recall(self, node: Node, backend: str, call: Call) -> Recalled | None:
        if not self._replies and self._cache is None:
            return None
        digest = self._digest(node, backend, call)
        reply = self._replies.pop((node.id, digest), None)
        if reply is not None:
            return Recalled("replayed", reply)
        return self._cache.find(node, digest) if self._cache is not None else None

    def keep(self, node: Node, backend: str, call: Call, completion: Completion) -> None:
        """A reply was bought."""
        if self._cache is not None:
            self._cache.keep(node, self._digest(node, backend, call), completion)

    def _digest_of(self, event: CallStarted) -> str:
        return digest_of(self._job, event)

    def _digest(self, node: Node, backend: str, call: Call) -> str:
        return _digest(self._job, node.id, backend, call)


def digest_of(job: Job, event: CallStarted) -> str:
    """Of a call that leaves."""
    return _digest(job, event.node, ModelRef.parse(event.model).backend or job.backend, event.request)


def _digest(job: Job, node: str, backend: str, call: Call) -> str:
    kind = job.bound.kinds[job.bound.plan.index[node]]  # by its name: a tool turn numbers its nodes anew
    return call_digest(kind.name, kind.version, backend, call, job.fence)
