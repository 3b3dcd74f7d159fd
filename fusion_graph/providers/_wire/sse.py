"""Server-sent events out of bytes, however the network cut them. Pure and incremental.

LF, CRLF and CR end a line; a byte order mark may lead; comments, `id` and `retry` are passed over; several `data` lines
are one event. An event that no blank line ends is not one.
"""

from __future__ import annotations

from fusion_graph.errors import Permanent, Transient

MAX_EVENT_BYTES = 1 << 20

_BOM = b"\xef\xbb\xbf"
_DATA = b"data: "
_PASSED_OVER = frozenset({b"id", b"retry"})

Event = tuple[bytes, bytes]
"""Its name (empty for most) and its data, not decoded: a character may be spread over packets, never over events."""


class SseParser:
    """One stream. Every way to cut the same bytes gives the same events."""

    __slots__ = ("_after_cr", "_begun", "_pending")

    def __init__(self) -> None:
        self._pending = bytearray()
        self._begun = False
        self._after_cr = False

    @property
    def between(self) -> bool:
        """Does the next byte begin an event?"""
        return self._begun and not self._pending and not self._after_cr

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes. Raises Permanent `body_too_large`, Transient `malformed_stream`."""
        events: list[Event] = []
        for block in self._split(chunk):
            if len(block) > MAX_EVENT_BYTES:
                raise _too_large()
            if block.startswith(_DATA) and block.find(b"\n") < 0:
                events.append((b"", block[len(_DATA) :]))
            elif block:
                name, data = _read_lines(block)
                if data:
                    events.append((name, data))
        return events

    def _split(self, chunk: bytes) -> list[bytes]:
        """Whole blocks without the blank line behind them, all with LF; what is left over waits."""
        if not self._begun:
            chunk = self._begin(chunk)
        if (self._after_cr and chunk) or chunk.find(b"\r") >= 0:
            chunk = self._with_lf(chunk)
        if self._pending:
            seen = len(self._pending)
            self._pending += chunk
            if self._pending.find(b"\n\n", seen - 1) < 0:
                chunk = b""
            else:
                chunk = bytes(self._pending)
                self._pending.clear()
        blocks = chunk.split(b"\n\n")
        if rest := blocks.pop():
            self._pending += rest
        if len(self._pending) > MAX_EVENT_BYTES:
            raise _too_large()
        return blocks

    def _begin(self, chunk: bytes) -> bytes:
        """What comes behind the mark that may lead; nothing as long as that cannot be told."""
        chunk = bytes(self._pending) + chunk
        self._pending.clear()
        if _BOM.startswith(chunk):
            self._pending += chunk
            return b""
        self._begun = True
        return chunk.removeprefix(_BOM)

    def _with_lf(self, chunk: bytes) -> bytes:
        if self._after_cr and chunk[:1] == b"\n":
            chunk = chunk[1:]
        self._after_cr = chunk[-1:] == b"\r"
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


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
