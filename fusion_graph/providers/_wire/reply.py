"""Reads the JSON objects of a chat-completions reply: the chunks of a stream, or the one object of a whole reply. Pure.

Normalises what upstreams are known to do differently, and notes it. Refuses what cannot be read for sure.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fusion_graph.errors import Transient
from fusion_graph.jsontext import read_json
from fusion_graph.messages import Call, Completion, Delta, FinishReason, ToolCall, ToolCallDelta, Usage
from fusion_graph.providers._wire.assembly import Assembly, finish_of, refuse_empty
from fusion_graph.providers._wire.faults import error_of_event
from fusion_graph.providers._wire.text import TextJoiner, join_halves
from fusion_graph.providers._wire.tools import ToolCallReader, malformed
from fusion_graph.providers._wire.usage import BYTES_PER_TOKEN, estimate_usage, read_cost, read_usage

_FINISH: Mapping[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "function_call": "tool_calls",
    "max_tokens": "length",
}
_SLACK_TOKENS = 64  # a cap of 1 and a long word is no runaway


class ReplyReader:
    """The reply to one call, so far. `take` reads an object, `drain` gives what it brought."""

    def __init__(self, call: Call) -> None:
        cap = call.sampling.max_tokens
        self._call = call
        self._most_chars = (2 * cap + _SLACK_TOKENS) * BYTES_PER_TOKEN if cap else math.inf
        self._chars = 0
        self._assembly = Assembly()
        self._joiner = TextJoiner()
        self._fresh_text: list[str] = []  # may hold halves of characters
        self._fresh_reasoning: list[str] = []
        self._fresh_calls: list[ToolCallDelta] = []
        self.finish_reason = ""  # as the upstream wrote it; empty until it did
        self._model = self._refusal = self._stop_sequence = ""
        self._simulated = False
        self._usage: Usage | None = None
        self._cost: float | None = None
        self._tools: ToolCallReader | None = None
        self._logprobs: dict[str, list[Any]] = {}
        self._notes: dict[str, None] = {}  # an ordered set

    def take(self, chunk: Any, part: str = "delta") -> None:
        """Read one object. `part` is `message` in a whole reply. Raises what the object reports as an error, and
        Transient `malformed_stream` for what is not the API's shape."""
        if not isinstance(chunk, dict):
            raise malformed("not an object")
        error = chunk.get("error")
        if error or chunk.get("object") == "error":
            raise error_of_event(error or chunk)
        if not self._model:
            self._read_head(chunk)
        if usage := chunk.get("usage"):
            self._read_usage(usage)
        choices = chunk.get("choices")
        if not choices:
            return
        if not isinstance(choices, list):
            raise malformed("choices is not a list")
        for choice in choices:
            if not isinstance(choice, dict):
                raise malformed("a choice is not an object")
            if choice.get("index"):
                self.note("second_choice_ignored")
            else:
                self._read_choice(choice, part)

    def add_text(self, text: str) -> None:
        """Content, for a caller that knows the object held nothing else."""
        self._fresh_text.append(text)
        self._chars += len(text)

    def drain(self) -> Delta | None:
        """What came since the last drain, as one delta; None if no content came."""
        text = ""
        if self._fresh_text:
            text = self._joiner.take("".join(self._fresh_text))
            self._fresh_text.clear()
        if self._fresh_reasoning or self._fresh_calls:
            delta = Delta(text, "".join(self._fresh_reasoning), tuple(self._fresh_calls))
            self._fresh_reasoning.clear()
            self._fresh_calls.clear()
        elif text:
            delta = Delta(text)
        else:
            return None
        self._assembly.add(delta)
        return delta

    @property
    def overrun(self) -> bool:
        """Is there far more text than `max_tokens` allows, so that no more is wanted?"""
        return self._chars > self._most_chars

    def note(self, what: str) -> None:
        self._notes[what] = None

    def completion(self) -> Completion:
        """The whole reply. Raises Transient `empty_output` or `invalid_output`."""
        self.drain()
        reason = _FINISH.get(self.finish_reason)
        if reason is None:
            self.note(f"finish_reason_{'unknown' if self.finish_reason else 'missing'}")
        if self.overrun:
            self.note("output_limit")
            reason = "length"
        text, reasoning, usage = self._assembly.text, self._assembly.reasoning, self._usage
        if usage is None and self._cost is not None:
            usage = estimate_usage(self._call, text + reasoning, self._cost)
        calls = self._checked_calls(self._tools, usage) if self._tools is not None else ()
        reason = finish_of(calls, reason or "stop")
        refusal, model, logprobs = self._refusal or None, self._model or self._call.model, self._logprobs or None
        said = (text, calls, reason, reasoning, refusal, usage, model, self._simulated, logprobs, self._stop_sequence)
        return refuse_empty(Completion(*said, tuple(self._notes)))  # by place: names would double what it costs

    # --- the parts of an object ---

    def _read_head(self, chunk: Mapping[str, Any]) -> None:
        self._model = str(chunk.get("model") or "")
        self._simulated = chunk.get("simulated") is True

    def _read_usage(self, raw: Any) -> None:
        """The last one that can be read counts: some upstreams send it cumulatively with each chunk."""
        usage = read_usage(raw)
        cost = read_cost(raw) if usage is None else usage.cost_usd
        self._usage = usage or self._usage
        self._cost = self._cost if cost is None else cost

    def _read_choice(self, choice: Mapping[str, Any], part: str) -> None:
        content = choice.get(part)
        if content:
            if not isinstance(content, dict):
                raise malformed(f"{part} is not an object")
            self._read_content(content)
        if logprobs := choice.get("logprobs"):
            self._read_logprobs(logprobs)
        reason = choice.get("finish_reason")
        if reason:
            if reason == "error":
                raise error_of_event(choice.get("error"))
            self.finish_reason = str(reason)
            if self._call.sampling.stop_sequences:
                self._read_stop(choice)

    def _read_stop(self, choice: Mapping[str, Any]) -> None:
        """Which stop text ended it. vLLM and SGLang say so, each in its own word, and of stop tokens their number."""
        for stop in (choice.get("stop_reason"), choice.get("matched_stop")):
            if isinstance(stop, str) and stop in self._call.sampling.stop_sequences:
                self._stop_sequence = stop

    def _read_content(self, content: Mapping[str, Any]) -> None:
        if text := content.get("content"):
            self.add_text(text if isinstance(text, str) else self._join_parts(text))
        reasoning = content.get("reasoning") or content.get("reasoning_content")
        if reasoning and isinstance(reasoning, str):
            self._fresh_reasoning.append(join_halves(reasoning))
        if refusal := content.get("refusal"):
            self._refusal += str(refusal)
            self._chars += len(str(refusal))
        if raw := content.get("tool_calls"):
            self._tools = self._tools or ToolCallReader()
            pieces = self._tools.take(raw)
            if self._call.sampling.tools:
                self._fresh_calls += pieces
            else:
                self.note("tool_calls_ignored")

    def _read_logprobs(self, logprobs: Any) -> None:
        """`content` and `refusal` are lists with an entry a token; a stream brings them in pieces."""
        for name, entries in logprobs.items() if isinstance(logprobs, dict) else ():
            if isinstance(entries, list):
                self._logprobs.setdefault(str(name), []).extend(entries)

    def _join_parts(self, parts: Any) -> str:
        if not isinstance(parts, list):
            raise malformed("content is neither text nor parts")
        self.note("content_as_parts")
        return "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))

    def _checked_calls(self, tools: ToolCallReader, usage: Usage | None) -> tuple[ToolCall, ...]:
        """Tool calls whose arguments are JSON. Broken ones are passed on only where pieces may already have reached a
        client; elsewhere the attempt failed. So it did if a model that was given no tools did nothing but call some."""
        if "tool_calls_ignored" in self._notes and not self._assembly.text.strip():
            raise Transient("invalid_output", "the model called tools it was not given", usage=usage)
        checked = []
        for call in self._assembly.tool_calls:
            if not call.arguments.strip():
                checked.append(replace(call, arguments="{}"))
                continue
            checked.append(call)
            if not _is_object(call.arguments):
                self.note("tool_arguments_not_json")
        if "tool_arguments_not_json" in self._notes and self._call.purpose != "final":
            raise Transient("invalid_output", "the arguments of a tool call are not JSON", usage=usage)
        self._notes.update(dict.fromkeys(tools.notes))
        return tuple(checked)


def read_whole(body: bytes, call: Call) -> ReplyReader:
    """A reply that is one JSON object. Raises Transient `malformed_json`, `empty_output`, or what the body reports."""
    if not body.strip():
        raise Transient("empty_output", "the upstream answered with nothing")
    try:
        whole = read_json(body)
    except (ValueError, RecursionError):
        raise Transient("malformed_json", "the body of the reply is not JSON") from None
    reader = ReplyReader(call)
    reader.take(whole, "message")
    return reader


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
