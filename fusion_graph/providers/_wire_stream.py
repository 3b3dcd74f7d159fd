"""Reads a streamed chat-completions reply: bytes in, deltas and at the end the whole reply out. Pure.

This is the hot path. All events of one read become one delta, and a chunk that differs from the one before only in its
text is not parsed again: see `_Pattern`.
"""

from __future__ import annotations

import json
from typing import Any

from fusion_graph.errors import ProviderError, Transient
from fusion_graph.messages import Call, Completion, Delta
from fusion_graph.providers._wire_faults import error_of_event
from fusion_graph.providers._wire_reply import ReplyReader
from fusion_graph.providers._wire_sse import SseParser


class StreamReader:
    """The stream of one reply."""

    def __init__(self, call: Call) -> None:
        self._events = SseParser()
        self._reply = ReplyReader(call)
        self._any = False
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
        for name, data in self._events.feed(chunk):
            if self.ended:
                self.clean = False
                break
            self._any = True
            if data == b"[DONE]":
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


def _error_in(chunk: Any) -> ProviderError:
    return error_of_event(chunk.get("error") or chunk if isinstance(chunk, dict) else None)
