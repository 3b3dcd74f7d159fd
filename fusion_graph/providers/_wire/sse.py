"""Server-sent events out of bytes, however the network cut them. Pure and incremental.

LF, CRLF and CR end a line; a byte order mark may lead; comments, `id` and `retry` are passed over; several `data` lines
are one event. An event that no blank line ends is not one.
"""

from __future__ import annotations

from fusion_graph.errors import Permanent, Transient

MAX_EVENT_BYTES = 1 << 20

_BOM = b"\xef\xbb\xbf"
_LF, _CR = b"\n\r"  # as numbers: looking for one is cheaper than for a text
_BLANK, _DATA = b"\n\n", b"data: "
_PASSED_OVER = frozenset({b"id", b"retry"})

Event = tuple[bytes, bytes]
"""Its name (empty for most) and its data, not decoded: a character may be spread over packets, never over events."""


class SseParser:
    """One stream. Every way to cut the same bytes gives the same events."""

    __slots__ = ("_after_cr", "_begun", "_pending")

    def __init__(self) -> None:
        self._pending: bytes | bytearray = b""  # what no blank line has ended yet
        self._begun = False  # a block has been seen
        self._after_cr = False

    @property
    def between(self) -> bool:
        """Does the next byte begin an event?"""
        return self._begun and not self._pending and not self._after_cr

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes. Raises Permanent `body_too_large`, Transient `malformed_stream`."""
        events: list[Event] = []
        for data in (_BLANK + self._whole(chunk)).split(_BLANK + _DATA):
            if _LF in data:  # not the one line of data that most events are
                events += _read_blocks(_DATA + data)
            elif data:
                events.append((b"", data))
        return events

    def _whole(self, chunk: bytes) -> bytes:
        """All up to the last blank line, with LF for every end of a line; what is behind it waits."""
        if self._after_cr or _CR in chunk:
            chunk = self._without_cr(chunk)
        if self._pending:
            seen = len(self._pending)
            self._pending += chunk
            if self._pending.find(_BLANK, seen - 1) < 0:
                if len(self._pending) > MAX_EVENT_BYTES:
                    raise _too_large()
                return b""
            chunk = bytes(self._pending)
        if len(chunk) > MAX_EVENT_BYTES and max(map(len, chunk.split(_BLANK))) > MAX_EVENT_BYTES:
            raise _too_large()
        whole, blank, rest = chunk.rpartition(_BLANK)
        self._pending = bytearray(rest) if rest else b""
        if blank and not self._begun:
            self._begun = True
            whole = whole.removeprefix(_BOM)
        return whole

    def _without_cr(self, chunk: bytes) -> bytes:
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if chunk:
            self._after_cr = chunk[-1] == _CR
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _read_blocks(blocks: bytes) -> list[Event]:
    return [event for block in blocks.split(_BLANK) if (event := _read_lines(block))[1]]


def _read_lines(block: bytes) -> Event:
    name, data = b"", []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if not field:  # a blank line or a comment
            continue
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
        elif field not in _PASSED_OVER:
            raise Transient("malformed_stream", "the stream holds a line that is no event field")
    return name, b"\n".join(data)


def _too_large() -> Permanent:
    return Permanent("body_too_large", f"one event of the stream is larger than {MAX_EVENT_BYTES} bytes")
