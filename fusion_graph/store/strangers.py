"""A call that is not on the cassette: who makes it, and what about it differs from the nearest one that is. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fusion_graph.messages import Call, Message
from fusion_graph.store.cassette import Cassette, Request

SHOWN = 60  # characters of a text, around where it differs
MANY = 3  # differences told


def stranger(cassette: Cassette, node: str, backend: str, call: Call, digest: str) -> tuple[str, str]:
    """What to tell, and its hint."""
    who = f"{node or 'a node'} asks {call.model} ({call.purpose} call)"
    if digest in cassette.requests:
        made = sum(attempt.digest == digest for attempt in cassette.attempts)
        return f"{cassette.file}: {who} once more than was recorded ({made})", ""
    mine = Request(backend, call)
    asked = {attempt.digest for attempt in cassette.attempts if attempt.node == node}
    others = [request for key, request in cassette.requests.items() if not asked or key in asked]
    if not others:
        return f"{cassette.file}: {who}, and no call is recorded", ""
    told = min((list(_differences(mine, other)) for other in others), key=len)
    more = f"; and {len(told) - MANY} more" if len(told) > MANY else ""
    whose = "this node's recorded call" if asked else "the nearest recorded call"
    message = f"{cassette.file}: {who} for what is not recorded; {whose} differs in {'; '.join(told[:MANY])}{more}"
    return message, "record it anew with --record FILE if the change is meant"


def _differences(mine: Request, other: Request) -> Iterator[str]:
    """In words, the model first."""
    yield from _value("backend", mine.backend, other.backend)
    yield from _value("model", mine.call.model, other.call.model)
    for name in mine.call.sampling._fields:
        yield from _value(name, getattr(mine.call.sampling, name), getattr(other.call.sampling, name))
    yield from _value("draw", mine.call.draw, other.call.draw)
    yield from _messages(mine.call.messages, other.call.messages)


def _value(name: str, mine: Any, other: Any) -> Iterator[str]:
    if mine != other:
        yield f"{name}: {_short(mine)}, recorded {_short(other)}"


def _messages(mine: tuple[Message, ...], other: tuple[Message, ...]) -> Iterator[str]:
    for number, (one, two) in enumerate(zip(mine, other, strict=False), 1):
        if one.role != two.role:
            yield f"message {number}: of role {one.role}, recorded {two.role}"
        elif one.text != two.text:
            yield f"message {number} ({one.role}): {_texts(one.text, two.text)}"
        elif one != two:
            yield f"message {number} ({one.role}): its parts or tool calls"
    if len(mine) != len(other):
        yield f"{len(mine)} messages, recorded {len(other)}"


def _texts(mine: str, other: str) -> str:
    """Both from a little before the first difference on."""
    pairs = zip(mine, other, strict=False)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(mine), len(other)))
    begin = max(0, at - SHOWN // 3)
    return f"at character {at + 1} {_short(mine[begin:])}, recorded {_short(other[begin:])}"


def _short(value: Any) -> str:
    told = repr(value)
    return told if len(told) <= SHOWN else f"{told[: SHOWN - 3]}..."
