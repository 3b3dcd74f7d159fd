"""Every upstream fault and legal oddity that the openai provider must know, on demand: a model named `sim/fault-<name>`
answers so. `reason` is what the provider reports; an empty one means that the reply is accepted.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from fusion_graph.errors import Permanent, ProviderError, Transient
from fusion_graph.providers._sim.raw import (
    DONE,
    FINISH,
    FULL,
    HALF,
    TAIL,
    TEXT,
    USAGE,
    Raw,
    body,
    calls,
    chunk,
    function,
    refusal,
    says,
    sse,
    whole,
)
from fusion_graph.providers._wire.faults import error_of_status, read_error

PREFIX = "sim/fault-"


class Fault(NamedTuple):
    """`reason` as the provider reports it; `transient`: is it worth another attempt?"""

    raw: Raw
    reason: str = ""
    transient: bool = False


def _stream(*pieces: bytes | float) -> Raw:
    return Raw(pieces=pieces)


def _status(status: int) -> Fault:
    reason, transient = {
        400: ("bad_request", False),
        401: ("auth_failed", False),
        402: ("insufficient_credits", False),
        403: ("auth_failed", False),
        404: ("invalid_model", False),
        405: ("bad_request", False),
        408: ("upstream_error", True),
        409: ("upstream_error", True),
        413: ("context_length", False),
        422: ("bad_request", False),
        425: ("upstream_error", True),
        429: ("rate_limited", True),
    }.get(status, ("upstream_5xx", True))
    return Fault(refusal(status), reason, transient)


def _count(written: int) -> dict[str, int]:
    return {"prompt_tokens": 5, "completion_tokens": written, "total_tokens": 5 + written}


def _split(stream: bytes) -> tuple[bytes | float, ...]:
    """Cut inside every character that has more than one byte, each part a packet of its own."""
    places = [0, *(i for i, byte in enumerate(stream) if 0x80 <= byte < 0xC0), len(stream)]
    pieces: list[bytes | float] = []
    for start, end in pairwise(places):
        pieces += [stream[start:end], 0.005]
    return tuple(pieces)


_STATUSES = (400, 401, 402, 403, 404, 405, 408, 409, 413, 422, 425, 429, 500, 502, 503, 504, 520, 524, 529)

_REFUSED: Mapping[str, Fault] = {
    **{str(status): _status(status) for status in _STATUSES},
    "429-wait": Fault(refusal(429, Retry_After="1"), "rate_limited", True),
    "429-ms": Fault(refusal(429, retry_after_ms="50"), "rate_limited", True),
    "429-absurd": Fault(refusal(429, Retry_After="-5"), "rate_limited", True),
    "503-wait": Fault(refusal(503, Retry_After="1"), "rate_limited", True),
    "quota": Fault(refusal(429, "insufficient_quota"), "insufficient_credits"),
    "context": Fault(refusal(400, "context_length_exceeded"), "context_length"),
    "policy": Fault(refusal(400, "content_policy_violation"), "content_filter"),
    "redirect": Fault(body(b"", status=302, Location="/_sim/trap"), "redirect_refused"),
    "error-page": Fault(body(b"<html>down</html>", media="text/html", status=502), "upstream_5xx", True),
}

_LINE: Mapping[str, Fault] = {
    "reset": Fault(Raw(silent=True, end="reset"), "connect_error", True),
    "close": Fault(Raw(silent=True, end="close"), "connect_error", True),
    "cut": Fault(Raw(pieces=(HALF, 0.05), end="reset"), "truncated_stream", True),
    "short": Fault(Raw(pieces=(FULL,), length=len(FULL) + 100, end="close"), "truncated_stream", True),
    "short-json": Fault(
        Raw(media="application/json", pieces=(whole({"content": TEXT})[:40],), length=400, end="close"),
        "truncated_stream",
        True,
    ),
    "bad-chunk": Fault(
        Raw(
            pieces=(b"5\r\nab", 0.05, b"zz\r\nno size\r\n"),
            chunked=False,
            headers={"Transfer-Encoding": "chunked"},
            end="close",
        ),
        "truncated_stream",
        True,
    ),
    "bare-close": Fault(Raw(pieces=(FULL,), chunked=False, end="close"), "truncated_stream", True),
    "done-only": Fault(_stream(FULL, DONE), "truncated_stream", True),
    "not-http": Fault(
        Raw(silent=True, pieces=(b"220 mail.example ready\r\n\r\n",), end="close"), "malformed_stream", True
    ),
    "stall": Fault(Raw(silent=True, end="stall"), "timeout_first_token", True),
    "stall-headers": Fault(Raw(end="stall"), "timeout_first_token", True),
    "stall-mid": Fault(Raw(pieces=(HALF,), end="stall"), "timeout_idle", True),
    "heartbeat": Fault(
        Raw(pieces=(b": busy\n\n", sse(chunk({"role": "assistant", "content": ""})), 0.02), end="loop"),
        "timeout_first_token",
        True,
    ),
    "drip": Fault(Raw(pieces=(says("x "), 0.02), end="loop"), "timeout_attempt", True),
}

_REPORTED = {"message": "made up", "code": 502}

_SAID: Mapping[str, Fault] = {
    "error-event": Fault(_stream(HALF, sse({"error": _REPORTED})), "upstream_5xx", True),
    "error-object": Fault(_stream(HALF, sse({"object": "error", "message": "made up"})), "upstream_error", True),
    "error-named": Fault(_stream(HALF, b"event: error\n" + sse({"type": "overloaded_error"})), "rate_limited", True),
    "error-finish": Fault(_stream(HALF, sse(chunk(finish="error"))), "upstream_error", True),
    "error-429": Fault(_stream(sse({"error": {"message": "made up", "code": 429}})), "rate_limited", True),
    "error-credits": Fault(_stream(HALF, sse({"error": {"code": "insufficient_quota"}})), "insufficient_credits"),
    "error-200": Fault(body(json.dumps({"error": _REPORTED}).encode()), "upstream_5xx", True),
    "error-text": Fault(_stream(HALF, b"event: error\ndata: down\n\n"), "upstream_error", True),
}

_CALL = function("look_up", '{"q": "x"}', index=0, id="call_a")

_UNREADABLE: Mapping[str, Fault] = {
    "bad-line": Fault(_stream(HALF, b'{"choices": []}\n\n'), "malformed_stream", True),
    "bad-event": Fault(_stream(HALF, b'data: {"choices": [\n\n'), "malformed_stream", True),
    "bad-shape": Fault(_stream(sse({"choices": [{"delta": {"content": 7}}]})), "malformed_stream", True),
    "bad-utf8": Fault(
        _stream(HALF, b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n\n'), "malformed_stream", True
    ),
    "bad-json": Fault(body(whole({"content": TEXT})[:-3]), "malformed_json", True),
    "bad-gzip": Fault(body(b"no gzip", Content_Encoding="gzip"), "malformed_stream", True),
    "html": Fault(body(b"<html>Please log in</html>", media="text/html"), "wrong_content_type"),
    "text": Fault(body(b"it works", media="text/plain"), "wrong_content_type"),
    "huge-line": Fault(_stream(b"data: " + b"x" * (1 << 20), b"x" * 64), "body_too_large"),
    "huge-body": Fault(Raw(media="application/json", pieces=(b" " * (1 << 20),), end="loop"), "body_too_large"),
    "huge-stream": Fault(Raw(pieces=((b":" + b" " * 65000 + b"\n\n") * 16,), end="loop"), "body_too_large"),
    "huge-length": Fault(Raw(media="application/json", length=1 << 40, end="stall"), "body_too_large"),
    "huge-headers": Fault(Raw(headers={"X-Long": "x" * 100_000}, pieces=(FULL, TAIL)), "body_too_large"),
    "bomb": Fault(body(gzip.compress(bytes(1 << 20), mtime=0) * 64, Content_Encoding="gzip"), "body_too_large"),
    "empty": Fault(body(b""), "empty_output", True),
    "no-events": Fault(_stream(b": nothing\n\n"), "empty_output", True),
    "null": Fault(body(whole({"content": None})), "empty_output", True),
    "blank": Fault(_stream(says(" ", "\n"), TAIL), "empty_output", True),
    "reasoning-only": Fault(_stream(sse(chunk({"reasoning": "Well ..."})), TAIL), "empty_output", True),
    "tools-unasked": Fault(_stream(calls(_CALL), sse(chunk(finish="tool_calls")), DONE), "invalid_output", True),
}

_ODD: Mapping[str, Fault] = {
    name: Fault(raw)
    for name, raw in {
        "json": body(whole({"content": TEXT})),
        "json-parts": body(whole({"content": [{"type": "text", "text": TEXT}]})),
        "json-unfinished": body(whole({"content": TEXT}, None)),
        "crlf": _stream((FULL + TAIL).replace(b"\n", b"\r\n")),
        "cr": _stream((FULL + TAIL).replace(b"\n", b"\r")),
        "bom": _stream(b"\xef\xbb", b"\xbf" + FULL + TAIL),
        "no-space": _stream((FULL + TAIL).replace(b"data: ", b"data:")),
        "many-lines": _stream((FULL + TAIL).replace(b', "choices"', b'\ndata: , "choices"')),
        "fields": _stream(b"id: 1\nretry: 5\n" + FULL, b": comment\n\nevent: message\n" + TAIL),
        "split-utf8": _stream(*_split(says("Gr\u00fc\u00dfe \U0001f600") + TAIL)),
        "usage-none": _stream(FULL, FINISH, DONE),
        "usage-null": _stream(FULL, FINISH, sse(chunk(choices=[], usage=None)), DONE),
        "usage-bad": _stream(FULL, FINISH, sse(chunk(usage={"prompt_tokens": -1, "completion_tokens": 2.5})), DONE),
        "usage-each": _stream(*(sse(chunk({"content": "a "}, usage=_count(n))) for n in range(1, 4)), FINISH, DONE),
        "usage-cost": _stream(FULL, FINISH, sse(chunk(choices=[], usage={**_count(4), "cost": 0.25})), DONE),
        "no-done": _stream(FULL, FINISH, USAGE),
        "hang-finish": Raw(pieces=(FULL, FINISH), end="stall"),
        "hang-done": Raw(pieces=(FULL, TAIL), end="stall"),
        "after-done": _stream(FULL, TAIL, HALF),
        "second-choice": _stream(FULL, sse(chunk(choices=[{"index": 1, "delta": {"content": "other"}}])), TAIL),
        "wrong-model": _stream(FULL.replace(b'"model": "sim"', b'"model": "other"'), TAIL),
        "odd-finish": _stream(FULL, sse(chunk(finish="eos")), DONE),
        "runaway": Raw(pieces=(says("word " * 40), 0.001), end="loop"),
        "length": _stream(FULL, sse(chunk(finish="length")), DONE),
        "filter": _stream(sse(chunk(finish="content_filter")), DONE),
        "filter-late": _stream(FULL, sse(chunk(finish="content_filter")), DONE),
        "refusal": _stream(sse(chunk({"refusal": "I will not."})), TAIL),
        "parts": _stream(sse(chunk({"content": [{"type": "text", "text": TEXT}]})), TAIL),
        "tools": _stream(calls(_CALL), TAIL),
        "tools-no-index": _stream(
            calls(function("look_up", '{"q":', id="a")),
            calls(function(None, '"x"}')),
            calls(function("stop", "")),
            TAIL,
        ),
        "tools-same-index": _stream(calls(_CALL), calls(function("look_up", '{"q": "y"}', index=0, id="call_b")), TAIL),
        "tools-same-id": _stream(calls(_CALL), calls({**_CALL, "index": 1}), TAIL),
        "tools-bad": _stream(calls(function("look_up", '{"q": ', index=0, id="call_a")), TAIL),
    }.items()
}

FAULTS: Mapping[str, Fault] = {**_REFUSED, **_LINE, **_SAID, **_UNREADABLE, **_ODD}


def error_of(fault: Fault) -> ProviderError:
    """What the openai provider makes of it."""
    raw = fault.raw
    if raw.status >= 300:
        said = b"".join(piece for piece in raw.pieces if isinstance(piece, bytes))
        headers = {name.lower(): value for name, value in raw.headers.items()}
        return error_of_status(raw.status, error=read_error(said), headers=headers)
    return (Transient if fault.transient else Permanent)(fault.reason, "simulated")


def find_fault(model: str) -> Fault | None:
    """The fault a model's name asks for, if any. One that does not exist is a 404, as any unknown model."""
    name = model.removeprefix(PREFIX)
    return FAULTS.get(name, FAULTS["404"]) if name != model else None
