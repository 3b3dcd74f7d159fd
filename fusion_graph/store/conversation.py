"""What a run was asked, as the journal has it: every message lies there once, and a conversation is an earlier one and
the message that was added last. So a session whose every step sends all that was said takes what its messages take."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from sqlite3 import Connection
from typing import Any

from fusion_graph.messages import Message
from fusion_graph.store.replies import write_messages

LINK = "INSERT OR IGNORE INTO blobs (digest, body, earlier, last) VALUES (?, '', ?, ?)"
TURNS = (
    "WITH RECURSIVE turns (number, digest, earlier, last) AS ("
    " SELECT 1, digest, earlier, last FROM blobs WHERE digest = ? UNION ALL"
    " SELECT number + 1, b.digest, b.earlier, b.last FROM turns JOIN blobs AS b ON b.digest = turns.earlier LIMIT ?)"
    " SELECT earlier, body FROM turns LEFT JOIN (SELECT digest AS said, body FROM blobs)"
    " ON said = COALESCE(last, turns.digest) ORDER BY number DESC"
)
MOST = 100_000  # messages; a file that was changed by others may go in circles


def place(messages: Sequence[Message], text: Callable[[str], str], put: Callable[[str, Sequence[Any]], None]) -> str:
    """The digest under which a conversation lies. `text` places a text, `put` a row."""
    whole = ""
    for message in messages:
        said = text(write_messages((message,)))
        earlier, whole = whole, said
        if earlier:
            whole = hashlib.sha256(f"{earlier} {said}".encode()).hexdigest()
            put(LINK, (whole, earlier, said))
    return whole or text(write_messages(()))


def read(connection: Connection, digest: str) -> str:
    """All its messages as one list in JSON. What an earlier version of the journal has is one text with all of them.
    Raises ValueError where some are missing."""
    turns = connection.execute(TURNS, (digest, MOST)).fetchall()
    if not turns or turns[0]["earlier"] is not None:
        raise ValueError("the beginning of its conversation is missing")
    if None in (turn["body"] for turn in turns):
        raise ValueError("a message of its conversation is missing")
    return json.dumps([message for turn in turns for message in json.loads(turn["body"])])
