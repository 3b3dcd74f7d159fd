"""Making a long conversation fit the model's window: first old results of tools are left out, then old steps are told
in a line each. What was asked, and the newest steps, stay word for word. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fusion_graph.engine.estimates import TURN_TOKENS, text_tokens
from fusion_graph.engine.tooluse import short
from fusion_graph.messages import Message

NEWEST = 12  # messages that stay as they are
LONG = 400  # characters of a result that may stay
TOLD = 120
CUT = "\n[... cut ...]"
LEFT_OUT = '{"left": "out"}'


def tokens_of(messages: Sequence[Message]) -> int:
    """By estimate, calls included."""
    return sum(
        text_tokens(m.text) + TURN_TOKENS + sum(text_tokens(call.arguments) + TURN_TOKENS for call in m.tool_calls)
        for m in messages
    )


def shorten(messages: Sequence[Message], room: int) -> list[Message]:
    """The conversation within so many tokens, if that can be done; never cut between a call and its answer."""
    if tokens_of(messages) <= room:
        return list(messages)
    cut = _safe(messages, max(1, len(messages) - NEWEST))
    made = [*map(_without_result, messages[:cut]), *messages[cut:]]
    while tokens_of(made) > room:
        head = _first_step(made)
        following = _safe(made, head + max(2, (len(made) - head) // 2))
        if following >= len(made):
            return _clipped(made, room)
        made = [*made[:head], Message("user", _story(made[head:following])), *made[following:]]
        if len(made) - head <= 3:
            return _clipped(made, room)
    return made


def _first_step(messages: Sequence[Message]) -> int:
    """Behind the first task."""
    return next((n + 1 for n, message in enumerate(messages) if message.role == "user"), 0)


def _safe(messages: Sequence[Message], at: int) -> int:
    """The next place that does not part a call from its answers."""
    while at < len(messages) and messages[at].role == "tool":
        at += 1
    return at


def _without_result(message: Message) -> Message:
    if message.role != "tool" or len(message.text) <= LONG:
        return message
    return message._replace(content=f"{message.text[:TOLD]}\n[... {len(message.text) - TOLD} characters left out ...]")


def _story(messages: Sequence[Message]) -> str:
    """Old steps, a line each."""
    lines = ["What was done before, in short:"]
    for message in messages:
        if message.role == "assistant":
            lines += [f"- {_line(message.text)}"] if message.text.strip() else []
            lines += [f"- called {call.name} {short(call.arguments, TOLD)}" for call in message.tool_calls]
        elif message.role == "user":
            lines += (
                message.text.splitlines() if message.text.startswith(lines[0]) else [f"- asked: {_line(message.text)}"]
            )
    return "\n".join(dict.fromkeys(lines))


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 2 * TOLD else f"{line[: 2 * TOLD - 3]}..."


def _clipped(messages: Sequence[Message], room: int) -> list[Message]:
    """The last resort: the longest messages are cut, so far that all have room."""
    most = _most([tokens_of([message]) for message in messages], room)
    while True:
        made = [_cut(message, most) if tokens_of([message]) > most else message for message in messages]
        if (
            tokens_of(made) <= room or most <= 1
        ):  # names of calls are never left out: they may need more than their part
            return made
        most = most * 3 // 4


def _most(sizes: Sequence[int], room: int) -> int:
    """How long the longest may be, where shorter ones leave theirs to them."""
    for at, size in enumerate(sorted(sizes)):
        waiting = len(sizes) - at
        if size * waiting > room:
            return max(room, 0) // waiting
        room -= size
    return room


def _cut(message: Message, most: int) -> Message:
    """Calls keep their names; what they said may be left out."""
    calls = message.tool_calls
    if sum(text_tokens(call.arguments) for call in calls) > most // 2:
        calls = tuple(replace(call, arguments=LEFT_OUT) for call in calls)
    spent = tokens_of([message._replace(content="", tool_calls=calls)])
    whole = message.text.encode("utf-8", "replace")
    kept = whole[: max(0, 4 * (most - spent) - len(CUT))]
    text = message.text if kept == whole else kept.decode(errors="ignore") + CUT
    return message._replace(content=text, tool_calls=calls)
