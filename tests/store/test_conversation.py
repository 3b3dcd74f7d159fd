"""Conversations as the journal has them: each message once, and what an earlier version wrote."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.messages import Message, ToolCall
from fusion_graph.store import conversation
from fusion_graph.store.database import Schema, connect, migrate, reading
from fusion_graph.store.history import read_run
from fusion_graph.store.journal import FILE, PLACE
from fusion_graph.store.replies import read_messages, write_messages
from fusion_graph.store.tables import JOURNAL
from tests.engine.stage import Stage
from tests.store.keeping import ASKED, RUN, gone_on, past_of, stored, written

CALL = ToolCall(id="c", name="bash", arguments="{}")
SAID = (
    Message("system", "Be brief."),
    Message("user", ({"type": "text", "text": "Look."},)),
    Message("assistant", "", tool_calls=(CALL,)),
    Message("tool", "done", tool_call_id="c"),
    Message("user", "Look."),
    Message("user", "Look."),
)


class Shelf:
    """A journal's texts."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def place(self, *messages: Message) -> str:
        return conversation.place(messages, self._text, self._put)

    def _put(self, sql: str, values: Sequence[Any]) -> None:
        self.connection.execute(sql, values)

    def _text(self, text: str) -> str:
        digest = str(abs(hash(text)))
        self._put(PLACE, (digest, text))
        return digest

    def read(self, digest: str) -> tuple[Message, ...]:
        return read_messages(conversation.read(self.connection, digest))

    @property
    def texts(self) -> int:
        (found,) = self.connection.execute("SELECT COUNT(*) FROM blobs WHERE earlier IS NULL").fetchone()
        return int(found)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with closing(connect(tmp_path / FILE)) as connection:
        migrate(connection, JOURNAL, tmp_path / FILE)
        connection.row_factory = sqlite3.Row
        yield Shelf(connection)


@pytest.mark.parametrize("length", range(len(SAID) + 1))
def test_it_is_read_as_it_was(length: int, shelf: Shelf) -> None:
    assert shelf.read(shelf.place(*SAID[:length])) == SAID[:length]


def test_a_message_lies_there_once(shelf: Shelf) -> None:
    """However many conversations it is in, and however often it was said."""
    wholes = [shelf.place(*SAID[:length]) for length in range(1, 7)]
    wholes.append(shelf.place(*reversed(SAID)))
    assert len(set(wholes)) == 7
    assert shelf.texts == 5
    assert shelf.read(wholes[-1]) == SAID[::-1]


def test_it_grows_with_what_is_said(shelf: Shelf) -> None:
    """Not with its square, though every step is sent all that was said before."""
    said, rows = [Message("user", f"message {n}") for n in range(101)], []
    for length in range(1, 102, 2):
        shelf.place(*said[:length])
        rows.append(shelf.connection.execute("SELECT COUNT(*), SUM(LENGTH(body)) FROM blobs").fetchone())
    assert [row[0] for row in rows] == list(range(1, 202, 4))  # a message and a link for each
    assert rows[-1][1] == sum(len(write_messages((message,))) for message in said)


def test_what_is_missing_is_told(shelf: Shelf) -> None:
    whole = shelf.place(*SAID[:3])
    for gone, told in (("last IS NULL AND body LIKE '%Look%'", "a message"), ("last IS NULL", "the beginning")):
        shelf.connection.execute(f"DELETE FROM blobs WHERE {gone}")  # noqa: S608
        with pytest.raises(ValueError, match=f"{told} of its conversation is missing"):
            shelf.read(whole)
    with pytest.raises(ValueError, match="is missing"):
        shelf.read("nowhere")


def test_one_that_goes_in_circles_ends(shelf: Shelf) -> None:
    whole = shelf.place(*SAID[:2])
    shelf.connection.execute("UPDATE blobs SET earlier = digest WHERE digest = ?", (whole,))
    with pytest.raises(ValueError, match="the beginning"):
        shelf.read(whole)


async def test_a_journal_of_the_second_version_goes_on(tmp_path: Path) -> None:
    """It has a conversation as one text."""
    await written(Stage(), tmp_path)
    with closing(connect(tmp_path / FILE)) as connection:
        (digest,) = connection.execute("SELECT messages FROM runs").fetchone()
        old = write_messages((*SAID[:2], *ASKED))
        connection.execute("UPDATE blobs SET body = ? WHERE digest = ?", (old, digest))
        for table, column in (("blobs", "earlier"), ("blobs", "last"), ("attempts", "reserved_usd")):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("PRAGMA user_version = 2")
        columns = {row[1] for row in connection.execute("PRAGMA table_info(blobs)")}
        assert columns == {"digest", "body"}
    assert past_of(tmp_path).messages == (*SAID[:2], *ASKED)
    assert json.loads(stored(tmp_path).messages) == json.loads(old)
    assert (await gone_on(Stage(), tmp_path)).state == "ok"


def test_an_empty_journal_of_any_version_is_brought_forward(tmp_path: Path) -> None:
    for version in range(len(JOURNAL.steps)):
        path = tmp_path / f"{version}.db"
        with closing(connect(path)) as connection:
            migrate(connection, Schema("journal", JOURNAL.steps[:version]), path)
        with reading(path, JOURNAL) as connection:
            assert connection.execute("PRAGMA user_version").fetchone()[0] == len(JOURNAL.steps)


async def test_a_run_whose_conversation_is_gone_says_so(tmp_path: Path) -> None:
    await written(Stage(), tmp_path, asked=SAID[:2])
    with closing(connect(tmp_path / FILE)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DELETE FROM blobs WHERE earlier IS NOT NULL")
    with pytest.raises(UsageError, match="the beginning of its conversation is missing"):
        past_of(tmp_path)
    with reading(tmp_path / FILE, JOURNAL) as connection, pytest.raises(UsageError, match="is missing"):
        read_run(connection, RUN)
