"""What went wrong upstream, as a typed error with a reason code. Pure: statuses, headers and error bodies in, errors
out. Messages are our own words; nothing an upstream wrote enters them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from fusion_graph.errors import Permanent, ProviderError, Transient

_LONGEST_WAIT_S = 86_400.0

_WORDS: Mapping[str, str] = {
    "rate_limited": "the upstream limits the rate of calls",
    "upstream_5xx": "the upstream failed",
    "upstream_error": "the upstream reported an error",
    "bad_request": "the upstream refused the request",
    "invalid_model": "the upstream does not know the model",
    "context_length": "the request is too long for the model",
    "content_filter": "the upstream's content policy refused the request",
    "auth_failed": "the upstream refused the key",
    "insufficient_credits": "the account has no credit left",
    "redirect_refused": "the upstream redirects elsewhere; redirects are not followed",
}
_TRANSIENT = frozenset({"rate_limited", "upstream_5xx", "upstream_error"})

_BY_CODE: Mapping[str, str] = {
    "rate_limit_exceeded": "rate_limited",
    "rate_limit_error": "rate_limited",
    "rate_limited": "rate_limited",
    "too_many_requests": "rate_limited",
    "overloaded_error": "rate_limited",
    "overloaded": "rate_limited",
    "insufficient_quota": "insufficient_credits",
    "insufficient_credits": "insufficient_credits",
    "billing_error": "insufficient_credits",
    "billing_hard_limit_reached": "insufficient_credits",
    "context_length_exceeded": "context_length",
    "exceed_context_size_error": "context_length",
    "string_above_max_length": "context_length",
    "request_too_large": "context_length",
    "invalid_api_key": "auth_failed",
    "authentication_error": "auth_failed",
    "permission_error": "auth_failed",
    "model_not_found": "invalid_model",
    "not_found_error": "invalid_model",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
    "moderation_blocked": "content_filter",
    "invalid_request_error": "bad_request",
    "bad_request": "bad_request",
    "server_error": "upstream_5xx",
    "internal_server_error": "upstream_5xx",
    "api_error": "upstream_5xx",
    "timeout": "upstream_5xx",
}
_LONG_TEXTS = (
    "context length",
    "context window",
    "context size",
    "maximum context",
    "too many tokens",
    "prompt is too long",
)
_QUOTA_TEXTS = ("insufficient_quota", "exceeded your current quota", "insufficient credits", "insufficient balance")


def error_of_status(
    status: int, *, error: Any = None, headers: Mapping[str, str] | None = None, now: float = 0.0
) -> ProviderError:
    """The error behind a status that is not 2xx. `error` is what stands under `error` in the body, if that was JSON;
    `now` is Unix time in seconds, for a Retry-After that is a date."""
    wait = parse_retry_after(headers or {}, now)
    return _make(_reason_of_status(status, error, waits=wait is not None), status=status, retry_after_s=wait)


def error_of_event(error: Any) -> ProviderError:
    """The error an upstream reports under status 200: an event in a stream, or a body that is only an error. Judged by
    its inner code as if that were the status."""
    code, text = _code_of(error), _text_of(error)
    if code.isdigit() and 300 <= int(code) <= 599:
        return error_of_status(int(code), error=error)
    if any(part in text for part in _LONG_TEXTS):
        return _make("context_length")
    kind = str(error.get("type") or "").lower() if isinstance(error, Mapping) else ""
    return _make(_BY_CODE.get(code) or _BY_CODE.get(kind) or "upstream_error")


def read_error(body: bytes) -> Any:
    """What a failed request's body says under `error`, else the body's object itself; None if it is not JSON."""
    try:
        said = json.loads(body.decode())
    except (ValueError, RecursionError):
        return None
    if isinstance(said, list):
        said = said[0] if said else None
    return (said.get("error") or said) if isinstance(said, dict) else None


def parse_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `Retry-After` (seconds or an HTTP date); None if absent, negative,
    absurd (over a day) or unreadable. The mapping must not care about case, or have lower-case keys."""
    millis = _number(headers.get("retry-after-ms"))
    if millis is not None:
        return _sane(millis / 1000.0)
    value = headers.get("retry-after")
    if value is None:
        return None
    seconds = _number(value)
    if seconds is not None:
        return _sane(seconds)
    try:
        return _sane(parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _sane(seconds: float) -> float | None:
    return seconds if 0.0 <= seconds <= _LONGEST_WAIT_S else None


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _reason_of_status(status: int, error: Any, *, waits: bool) -> str:
    code, text = _code_of(error), _text_of(error)
    if status == 402 or (status == 429 and (_BY_CODE.get(code) == "insufficient_credits" or _any(_QUOTA_TEXTS, text))):
        return "insufficient_credits"
    if status in (401, 403):
        return "content_filter" if _BY_CODE.get(code) == "content_filter" else "auth_failed"
    if status == 429 or (status in (503, 529) and waits):
        return "rate_limited"
    if status >= 500:
        return "upstream_5xx"
    if status in (408, 409, 425):
        return "upstream_error"
    if 300 <= status <= 399:
        return "redirect_refused"
    if status == 413 or _BY_CODE.get(code) == "context_length" or _any(_LONG_TEXTS, text):
        return "context_length"
    if _BY_CODE.get(code) == "content_filter":
        return "content_filter"
    return "invalid_model" if status == 404 or _BY_CODE.get(code) == "invalid_model" else "bad_request"


def _make(reason: str, *, status: int | None = None, retry_after_s: float | None = None) -> ProviderError:
    words = _WORDS[reason] + (f" (status {status})" if status else "")
    kind = Transient if reason in _TRANSIENT else Permanent
    return kind(reason, words, status=status, retry_after_s=retry_after_s)


def _any(parts: tuple[str, ...], text: str) -> bool:
    return any(part in text for part in parts)


def _code_of(error: Any) -> str:
    if isinstance(error, Mapping):
        code = error.get("code")
        if code is None:
            code = error.get("status_code") or error.get("type")
        return str(code or "").lower()
    return ""


def _text_of(error: Any) -> str:
    text = error.get("message") if isinstance(error, Mapping) else error
    return text[:2000].lower() if isinstance(text, str) else ""
