"""The tables of journal and cache. A run is one row, every node of it another, every attempt at a model a third; whole
texts lie in `blobs` under their digest, once; a conversation is one that has an `earlier` and a `last` one in place of
a text of its own (`store/conversation`). Runs that belong together (an eval, an agent's session, a conversation)
are of one `series`; what it remembers itself are its `lines`. Times are seconds: of a run since 1970, of its nodes and
attempts since it began."""

from __future__ import annotations

from fusion_graph.store.database import Schema

JOURNAL = Schema(
    "journal",
    (
        """
        CREATE TABLE blobs (digest TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE runs (
            id TEXT PRIMARY KEY, pipeline TEXT NOT NULL, file TEXT NOT NULL, command TEXT NOT NULL,
            source TEXT NOT NULL REFERENCES blobs, params TEXT NOT NULL, messages TEXT NOT NULL REFERENCES blobs,
            seed INTEGER, fence TEXT NOT NULL, owner TEXT NOT NULL,
            state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', began REAL NOT NULL, tried REAL NOT NULL,
            ended REAL, tries INTEGER NOT NULL DEFAULT 1, document TEXT REFERENCES blobs
        );
        CREATE INDEX runs_by_time ON runs (began);
        CREATE TABLE node_runs (
            run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, node TEXT NOT NULL, identity TEXT NOT NULL,
            state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '',
            began REAL, ended REAL NOT NULL, chosen TEXT, late TEXT,
            PRIMARY KEY (run, node)
        ) WITHOUT ROWID;
        CREATE TABLE attempts (
            run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, try INTEGER NOT NULL, node TEXT NOT NULL,
            call INTEGER NOT NULL, attempt INTEGER NOT NULL, model TEXT NOT NULL, digest TEXT NOT NULL,
            state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '',
            began REAL NOT NULL, first REAL, ended REAL, next_s REAL,
            prompt_tokens INTEGER, completion_tokens INTEGER, reasoning_tokens INTEGER, cached_tokens INTEGER,
            cost_usd REAL, exact INTEGER, reply TEXT REFERENCES blobs,
            PRIMARY KEY (run, try, node, call, attempt)
        ) WITHOUT ROWID;
        CREATE TABLE notes (
            run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, try INTEGER NOT NULL, at REAL NOT NULL,
            node TEXT NOT NULL, reason TEXT NOT NULL, text TEXT NOT NULL, action TEXT NOT NULL
        );
        CREATE INDEX notes_by_run ON notes (run);
        """,
        """
        CREATE TABLE series (
            id TEXT PRIMARY KEY, command TEXT NOT NULL, title TEXT NOT NULL, place TEXT NOT NULL, fence TEXT NOT NULL,
            owner TEXT NOT NULL, state TEXT NOT NULL, began REAL NOT NULL, tried REAL NOT NULL, ended REAL,
            tries INTEGER NOT NULL DEFAULT 1
        );
        CREATE TABLE lines (
            series TEXT NOT NULL REFERENCES series ON DELETE CASCADE, number INTEGER NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (series, number)
        ) WITHOUT ROWID;
        ALTER TABLE runs ADD COLUMN series TEXT REFERENCES series ON DELETE CASCADE;
        ALTER TABLE runs ADD COLUMN part TEXT NOT NULL DEFAULT '';
        CREATE INDEX runs_by_series ON runs (series, part);
        CREATE TABLE tools (
            run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, node TEXT NOT NULL, number INTEGER NOT NULL,
            tool TEXT NOT NULL, arguments TEXT NOT NULL, state TEXT NOT NULL, answer TEXT REFERENCES blobs,
            PRIMARY KEY (run, node, number)
        ) WITHOUT ROWID;
        """,
        """
        ALTER TABLE blobs ADD COLUMN earlier TEXT;
        ALTER TABLE blobs ADD COLUMN last TEXT;
        ALTER TABLE attempts ADD COLUMN reserved_usd REAL;
        """,
    ),
)

CACHE = Schema(
    "cache",
    (
        """
        CREATE TABLE replies (
            tenant TEXT NOT NULL, digest TEXT NOT NULL, at REAL NOT NULL, size INTEGER NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (tenant, digest)
        ) WITHOUT ROWID;
        CREATE INDEX replies_by_time ON replies (at);
        """,
    ),
)
