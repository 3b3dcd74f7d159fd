"""Reads a streamed chat-completions reply: bytes in, deltas and at the end the whole reply out. Pure.

This is the hot path. All events of one read become one delta; an event that differs from an earlier one only in its
text is not parsed again (see `Pattern`); where many such events come in one read, they are not even looked at singly.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from fusion_graph.errors import ProviderError, Transient
from fusion_graph.messages import Call, Completion, Delta
from fusion_graph.providers._wire_faults import error_of_event
from fusion_graph.providers._wire_reply import ReplyReader
from fusion_graph.providers._wire_sse import Event, SseParser

_MOST_TRIES = 4
_UNLEARNT = 1  # a reply of one piece is not worth learning from
_BURST = 4  # so many events at once are worth a look at all of them
_MOST_BURSTS = 8  # of one read: texts with quotes break them up
_REPLACED = "\N{REPLACEMENT CHARACTER}"


class Pattern:
    """What stands before and after the text in an event that was parsed. Another event with the same two ends, and
    between them no quote, backslash or control character, can only be the same object with that text: JSON has no other
    reading."""

    __slots__ = ("_head", "_tail", "tries")

    def __init__(self) -> None:
        self._head = b""
        self._tail = b""
        self.tries = _MOST_TRIES

    @property
    def known(self) -> bool:
        return bool(self._head)

    def text_in(self, data: bytes) -> str | None:
        """The text of an event that fits; None if it does not."""
        head, tail = self._head, self._tail
        if not head or not data.startswith(head) or not data.endswith(tail) or len(data) < len(head) + len(tail):
            return None
        middle = data[len(head) : -len(tail)]
        if b'"' in middle or b"\\" in middle:
            return None
        text = middle.decode(errors="replace")
        return text if text.isprintable() and _REPLACED not in text else None

    def texts_in(self, events: Sequence[Event], start: int) -> tuple[int, str]:
        """How many events from `start` on fit, one after the other, and their text; ASCII only, as a character must not
        begin in one event and end in another."""
        head, chosen = self._head, events[start:]
        data = b"\n".join([data for _, data in chosen])
        if not data.startswith(head) or data.count(b"\n") >= len(chosen) or any(name for name, _ in chosen):
            return 0, ""
        parts = data[len(head) :].split(self._tail + b"\n" + head)[:-1]  # behind the last one stands anything
        raw = b"".join(parts)
        if b'"' in raw or b"\\" in raw or not _is_plain(raw):
            parts = list(takewhile(lambda part: b'"' not in part and b"\\" not in part and _is_plain(part), parts))
            raw = b"".join(parts)
        return len(parts), raw.decode("ascii")

    def learn(self, data: bytes, chunk: Any) -> None:
        """Take the ends of an event that holds a text and nothing else that matters. A few tries, then no more: some
        upstreams put something new in every event."""
        text = _only_text(chunk)
        if not text:
            return
        self.tries -= 1
        spelt = json.dumps(text, ensure_ascii=False).encode(errors="replace")
        place = data.rfind(spelt)
        head, tail = data[: place + 1], data[place + len(spelt) - 1 :]
        if place > 0 and _parse(head + b"?" + tail) == _with_text(chunk, "?"):
            self._head, self._tail = head, tail


def _is_plain(raw: bytes) -> bool:
    return raw.isascii() and raw.decode("ascii").isprintable()


def _with_text(chunk: Any, text: str) -> Any:
    choice = chunk["choices"][0]
    return {**chunk, "choices": [{**choice, "delta": {**choice["delta"], "content": text}}]}


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _only_text(chunk: Any) -> str:
    """The text of a chunk that says nothing else: no finish, no count, no tool call."""
    if chunk.get("usage") or len(chunk.get("choices") or ()) != 1:
        return ""
    choice = chunk["choices"][0]
    delta = choice.get("delta") or {}
    if (
        choice.get("index")
        or choice.get("finish_reason")
        or choice.get("logprobs")
        or not delta.keys() <= {"role", "content"}
    ):
        return ""
    text = delta.get("content")
    return text if isinstance(text, str) else ""


class StreamReader:
    """The stream of one reply."""

    def __init__(self, call: Call) -> None:
        self._events = SseParser()
        self._reply = ReplyReader(call)
        self._any = False
        self._pattern = Pattern()
        self._texts = 0  # events that were parsed
        self.ended = False  # [DONE] has come, or no more is wanted
        self.clean = True  # nothing came that does not belong there: the connection may be used again

    @property
    def finished(self) -> bool:
        """Has the model said that it is through? Only counts of tokens may follow."""
        return bool(self._reply.finish_reason) or self.ended

    def feed(self, chunk: bytes) -> Delta | None:
        """The content that `chunk` completes, as one delta. Raises Transient or Permanent as the fault table says."""
        if self.ended:
            self.clean = self.clean and not chunk.strip()
            return None
        events = self._events.feed(chunk)
        self._any = self._any or bool(events)
        i, bursts = 0, _MOST_BURSTS
        while i < len(events):
            if self.ended:
                self.clean = False
                break
            if bursts and self._pattern.known and len(events) - i >= _BURST:
                bursts -= 1
                count, texts = self._pattern.texts_in(events, i)
                if count:
                    i += count
                    self._reply.add_text(texts)
                    continue
            name, data = events[i]
            i += 1
            text = self._pattern.text_in(data) if not name else None
            if text is not None:
                self._reply.add_text(text)
            elif data == b"[DONE]":
                self.ended = True
            else:
                self._take(name, data)
        if self._reply.overrun:
            self.ended, self.clean = True, False
        return self._reply.drain()

    def completion(self) -> Completion:
        """The whole reply, after the stream ended. Without a finish reason it was cut, whatever it looks like."""
        if not self._any:
            raise Transient("empty_output", "the stream ended without an event")
        if not self._reply.finish_reason and not self._reply.overrun:
            raise Transient("truncated_stream", "the stream ended before the model said it was through")
        return self._reply.completion()

    def _take(self, name: bytes, data: bytes) -> None:
        try:
            chunk = json.loads(data.decode())
        except (ValueError, RecursionError):
            if name == b"error":
                raise error_of_event(None) from None
            raise Transient("malformed_stream", "an event of the stream is not JSON") from None
        if name == b"error":
            raise _error_in(chunk)
        self._reply.take(chunk)
        self._texts += 1
        if self._pattern.tries and self._texts > _UNLEARNT:
            self._pattern.learn(data, chunk)


def _error_in(chunk: Any) -> ProviderError:
    return error_of_event(chunk.get("error") or chunk if isinstance(chunk, dict) else None)
