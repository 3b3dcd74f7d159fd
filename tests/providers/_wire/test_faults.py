"""Statuses, error bodies and Retry-After, as typed errors in our own words."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest

from fusion_graph.providers._wire.faults import error_of_event, error_of_status, parse_retry_after, read_error

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("status", "reason", "transient"),
    [
        (301, "redirect_refused", False),
        (307, "redirect_refused", False),
        (400, "bad_request", False),
        (401, "auth_failed", False),
        (402, "insufficient_credits", False),
        (403, "auth_failed", False),
        (404, "invalid_model", False),
        (405, "bad_request", False),
        (408, "upstream_error", True),
        (409, "upstream_error", True),
        (413, "context_length", False),
        (418, "bad_request", False),
        (422, "bad_request", False),
        (425, "upstream_error", True),
        (429, "rate_limited", True),
        (500, "upstream_5xx", True),
        (503, "upstream_5xx", True),
        (522, "upstream_5xx", True),
        (529, "upstream_5xx", True),
    ],
)
def test_status_has_its_reason(status: int, reason: str, transient: bool) -> None:
    error = error_of_status(status)
    assert (error.reason, error.transient, error.status) == (reason, transient, status)


@pytest.mark.parametrize(
    ("status", "said", "reason"),
    [
        (429, {"code": "insufficient_quota"}, "insufficient_credits"),
        (429, {"message": "You exceeded your current quota"}, "insufficient_credits"),
        (400, {"code": "context_length_exceeded"}, "context_length"),
        (400, {"message": "This model's maximum context length is 8192 tokens"}, "context_length"),
        (400, "the prompt is too long for the context window", "context_length"),
        (400, {"code": "content_policy_violation"}, "content_filter"),
        (403, {"code": "moderation_blocked"}, "content_filter"),
        (400, {"code": "model_not_found"}, "invalid_model"),
    ],
)
def test_body_refines_the_status(status: int, said: Any, reason: str) -> None:
    error = error_of_status(status, error=said)
    assert error.reason == reason
    assert not error.transient


@pytest.mark.parametrize("status", [503, 529])
def test_overload_with_retry_after_is_a_rate_limit(status: int) -> None:
    error = error_of_status(status, headers={"retry-after": "3"})
    assert (error.reason, error.retry_after_s) == ("rate_limited", 3.0)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"code": 429}, "rate_limited"),
        ({"code": "502"}, "upstream_5xx"),
        ({"code": 401}, "auth_failed"),
        ({"type": "overloaded_error", "message": "x"}, "rate_limited"),
        ({"code": None, "type": "server_error"}, "upstream_5xx"),
        ({"code": "strange", "type": "invalid_request_error"}, "bad_request"),
        ({"message": "maximum context length is 10"}, "context_length"),
        ({"code": "insufficient_quota"}, "insufficient_credits"),
        ("it broke", "upstream_error"),
        (None, "upstream_error"),
        ({"code": 200}, "upstream_error"),
    ],
)
def test_error_event_goes_by_inner_code(said: Any, reason: str) -> None:
    assert error_of_event(said).reason == reason


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30.0),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Mon, 99 Foo 2026 99:99:99 GMT"}, None),
    ],
)
def test_retry_after_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert parse_retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": {"code": 1}}', {"code": 1}),
        (b'{"error": "text"}', "text"),
        (b'{"object": "error", "code": 2}', {"object": "error", "code": 2}),
        (b'[{"error": {"code": 3}}]', {"code": 3}),
        (b"[]", None),
        (b"<html>", None),
        (b"\xff", None),
        (b"", None),
    ],
)
def test_error_body_is_found(body: bytes, said: Any) -> None:
    assert read_error(body) == said


def test_message_is_in_our_words() -> None:
    error = error_of_status(400, error={"message": "key sk-secret at 10.0.0.1", "code": "sk-secret"})
    assert "secret" not in str(error)
    assert "secret" not in repr(error)
