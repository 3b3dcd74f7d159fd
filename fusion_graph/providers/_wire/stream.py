"""Reads a streamed chat-completions reply: bytes in, deltas and at the end the whole reply out. Pure.

This is the hot path. All events of one read become one delta; an event that differs from an earlier one only in its
text is not parsed again (see `Pattern`); where many such events come in one read, they are not even looked at singly.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Any

from fusion_graph.errors import ProviderError, Transient
from fusion_graph.jsontext import read_json
from fusion_graph.messages import Call, Completion, Delta
from fusion_graph.providers._wire.faults import error_of_event
from fusion_graph.providers._wire.reply import ReplyReader
from fusion_graph.providers._wire.sse import MAX_EVENT_BYTES, SseParser

_MOST_TRIES = 4
_UNLEARNT = 4  # a short reply is over before learning pays
_LONG = 4096  # bytes of a read that are worth a look at its first events before the others
_LEAD, _END = b"data: ", b"\n\n"
_QUOTE, _BACKSLASH = b'"\\'
_NOWHERE = slice(0)


class Pattern:
    """What stands before and after the text in an event that was parsed. Another event with the same two ends, and
    between them the inside of one JSON string, can only be the same object with that text: JSON has no other
    reading."""

    __slots__ = ("_end", "_lead", "_shortest", "_string", "known", "tries")

    def __init__(self) -> None:
        self.known = False
        self._lead = self._end = b""
        self._shortest = sys.maxsize  # no event fits what is not known
        self._string = _NOWHERE  # the place of the text, with its quotes
        self.tries = _MOST_TRIES

    def text_in(self, event: bytes) -> str | None:
        """The text of an event; None if it does not fit."""
        if len(event) < self._shortest or not event.startswith(self._lead) or not event.endswith(self._end):
            return None
        text = _parse(event[self._string])  # another event in between would bring its quotes
        return text if isinstance(text, str) else None

    def split(self, data: bytes) -> list[str | bytes]:
        """The texts of the events that fit, and what is between and behind them as it came. `data` begins where an
        event does."""
        lead, end = self._lead, self._end
        fits = data.rfind(end) + len(end)
        if not data.startswith(lead) or fits < self._shortest or len(data) > MAX_EVENT_BYTES:
            return [data]
        several, rest = data[:fits], data[fits:]
        lines = several.split(b"\n")[::2]  # each other one is blank; a search for both ends at once takes longer
        parts = [line[len(lead) : len(_END) - len(end)] for line in lines[:-1]]
        raw = b"".join(parts)
        if _stands_for_itself(raw) and (end + lead).join(parts) == several[len(lead) : -len(end)]:
            return [raw.decode(), rest]
        whole = [event + _END for event in several.removesuffix(_END).split(_END)]
        return [*(event if (text := self.text_in(event)) is None else text for event in whole), rest]

    def learn(self, data: bytes, chunk: Any) -> None:
        """Take the ends of an event that holds a text and nothing else that matters. A few tries, then no more: some
        upstreams put something new in every event."""
        text = _only_text(chunk)
        if not text or b"\n" in data:  # of several lines, which look different on the wire
            return
        self.tries -= 1
        spelt = encode_basestring(text).encode(errors="replace")
        place = data.rfind(spelt)
        head, tail = data[: place + 1], data[place + len(spelt) - 1 :]
        marked = head + b"?" + data[place + 1 :]  # a text that is surely new: the old one may stand elsewhere too
        if place > 0 and _parse(marked) == _with_text(chunk, "?" + text):
            self.known = True
            self._lead, self._end = _LEAD + head, tail + _END
            self._shortest = len(self._lead) + len(self._end)
            self._string = slice(len(self._lead) - 1, 1 - len(self._end))


def _stands_for_itself(raw: bytes) -> bool:
    """Is the inside of a JSON string its text, wherever it is cut?"""
    return raw.isascii() and _QUOTE not in raw and _BACKSLASH not in raw and raw.decode().isprintable()


def _with_text(chunk: Any, text: str) -> Any:
    choice = chunk["choices"][0]
    return {**chunk, "choices": [{**choice, "delta": {**choice["delta"], "content": text}}]}


def _parse(data: bytes) -> Any:
    try:
        return read_json(data)
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

    __slots__ = ("_events", "_parsed", "_pattern", "_reply", "clean", "ended")

    def __init__(self, call: Call) -> None:
        self._reply = ReplyReader(call)
        self._events = SseParser()
        self._pattern = Pattern()
        self._parsed = 0  # events
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
        known = self._pattern.known
        if known and self._events.between and (text := self._pattern.text_in(chunk)) is not None:
            self._reply.add_text(text)
        elif known or len(chunk) > _LONG:
            self._read_pieces(chunk)
        else:
            self._read(chunk)
        if self._reply.overrun:
            self.ended, self.clean = True, False
        return self._reply.drain()

    def _read_pieces(self, chunk: bytes) -> None:
        for piece in self._pieces(chunk):
            if self.ended:
                self.clean = self.clean and not piece.strip()
            elif isinstance(piece, str):
                self._reply.add_text(piece)
            elif piece:
                self._read(piece)

    def _pieces(self, chunk: bytes) -> Iterator[str | bytes]:
        """What can be taken the short way as text, all else as it came."""
        pattern, at = self._pattern, 0
        while len(chunk) - at > _LONG and pattern.tries and not pattern.known:  # learn first
            end = chunk.find(_END, at)
            if end < 0:
                break
            yield chunk[at : end + len(_END)]
            at = end + len(_END)
        rest = chunk[at:] if at else chunk
        yield from pattern.split(rest) if pattern.known and self._events.between else (rest,)

    def _read(self, piece: bytes) -> None:
        for name, data in self._events.feed(piece):
            if self.ended:
                self.clean = False
            elif data == b"[DONE]":
                self.ended = True
            else:
                self._take(name, data)

    def completion(self) -> Completion:
        """The whole reply, after the stream ended. Without a finish reason it was cut, whatever it looks like."""
        if not self._parsed and not self.ended:
            raise Transient("empty_output", "the stream ended without an event")
        if not self._reply.finish_reason and not self._reply.overrun:
            raise Transient("truncated_stream", "the stream ended before the model said it was through")
        return self._reply.completion()

    def _take(self, name: bytes, data: bytes) -> None:
        try:
            chunk = read_json(data)
        except (ValueError, RecursionError):
            if name == b"error":
                raise error_of_event(None) from None
            raise Transient("malformed_stream", "an event of the stream is not JSON") from None
        if name == b"error":
            raise _error_in(chunk)
        self._reply.take(chunk)
        self._parsed += 1
        if self._parsed > _UNLEARNT and self._pattern.tries:
            self._pattern.learn(data, chunk)


def _error_in(chunk: Any) -> ProviderError:
    return error_of_event(chunk.get("error") or chunk if isinstance(chunk, dict) else None)
