"""The one place where whatever went wrong becomes an HTTP status and an error body (wire contract 1.6).

Texts are made of our own words: no exception text, path, address, host or upstream body is in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from typing import TYPE_CHECKING, Any

from fusion_graph.errors import FusionError
from fusion_graph.events import CallFailed, NodeFinished
from fusion_graph.server._answer import Answer, said

if TYPE_CHECKING:
    from fusion_graph.engine.report import RunResult

SERVER = "fusion_graph"
"""What every answer says answered. No version: it would only tell which holes to look for."""
RETRY_S = 5  # said where nobody knows better: most clients wait for it
MOST_WAIT_S = 120  # more is told to no client, whatever the upstream said
PERMANENT = frozenset(
    {
        "bad_request", "invalid_model", "context_length", "body_too_large", "content_filter", "auth_failed",
        "insufficient_credits", "redirect_refused", "wrong_content_type",
    }
)  # fmt: skip
FOLLOWS = frozenset({"cancelled", "quorum_not_met", "no_usable_option"})
"""Reasons that only say what became of others."""
CODES = frozenset({*PERMANENT, "quorum_not_met", "response_format_unmet", "no_usable_option", "budget", "deadline"})
"""Reasons that a client may see as `code`; any other is `all_panels_failed`."""


class Refused(FusionError):
    """An answer that is an error. `param` is the path of the field at fault; `retry` False tells clients not to send it
    again; `fusion` goes into the body."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after_s: int | None = None,
        retry: bool = True,
        fusion: Mapping[str, Any] | None = None,
        allow: str = "",
    ) -> None:
        super().__init__(message)
        self.http_status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.retry = retry
        self.fusion = fusion
        self.allow = allow
        self.lasting = False  # the same again would end the same
        self.closes = False  # the connection ends with this answer
        self.retry_after_s = RETRY_S if retry_after_s is None and status in (429, 502, 503, 504) else retry_after_s

    @property
    def body(self) -> dict[str, Any]:
        """`{"error": {...}}`; all four keys, always."""
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return {"error": error if self.fusion is None else {**error, "fusion": dict(self.fusion)}}

    @property
    def lines(self) -> str:
        """Of the head of the answer."""
        wait, lines = self.retry_after_s, "" if self.retry else "x-should-retry: false\r\n"
        if wait is not None:
            lines += f"Retry-After: {min(max(wait, 1), MOST_WAIT_S)}\r\n"
        return f"{lines}Allow: {self.allow}\r\n" if self.allow else lines

    def answer(self, shape: Callable[[Refused, str], tuple[int, dict[str, Any]]], request_id: str) -> Answer:
        """In the words of a wire, see `_wires/errors`."""
        status, body = shape(self, request_id)
        return said(body, self.lines, status)


def invalid(message: str, param: str | None = None, code: str | None = None) -> Refused:
    """The request is at fault."""
    return Refused(400, "invalid_request_error", message, param=param, code=code)


def unauthorized(message: str) -> Refused:
    return Refused(401, "authentication_error", message, code="invalid_api_key")


def forbidden(message: str, code: str | None = None) -> Refused:
    return Refused(403, "permission_error", message, code=code)


def model_not_found(name: str) -> Refused:
    told = name if name.isprintable() and len(name) <= 128 else "of that name"
    return Refused(404, "invalid_request_error", f"there is no model {told!r}", code="model_not_found", param="model")


def limited(message: str, retry_after_s: int) -> Refused:
    return Refused(429, "rate_limit_exceeded", message, code="rate_limit_exceeded", retry_after_s=retry_after_s)


def over_budget(message: str) -> Refused:
    return Refused(429, "insufficient_quota", message, code="insufficient_quota", retry=False)


def unavailable(message: str, code: str) -> Refused:
    return Refused(503, "service_unavailable", message, code=code)


def internal() -> Refused:
    """A bug of ours; the log has it under the request id."""
    return Refused(500, "internal_error", "the server has a bug; its log tells more under this request id",
                   code="internal_error")  # fmt: skip


def filtered() -> Refused:
    """What the same request is told again after an answer that a filter ended."""
    refused = Refused(502, "upstream_error", "a content filter ended the answer", code="content_filter", retry=False)
    refused.lasting = True
    return refused


def failed_run(result: RunResult) -> Refused:
    """A run without an answer."""
    error = result.error
    assert error is not None
    causes = _causes(result)
    account = _account(result)

    def final(status: int, kind: str, text: str, code: str) -> Refused:
        return Refused(status, kind, text, code=code, fusion=account, retry=False)

    if error.reason == "deadline":
        return final(504, "timeout_error", "no answer before the deadline", "deadline")
    if error.reason == "budget":
        text = "the budget ended the run before there was an answer"
        return final(429, "insufficient_quota", text, "insufficient_quota")
    if causes == {"rate_limited"}:
        text, code = "every model asked is rate limited", "rate_limit_exceeded"
        waits = [e.retry_after_s for e in result.events if isinstance(e, CallFailed) and e.retry_after_s]
        return Refused(
            429,
            code,
            text,
            code=code,
            fusion=account,
            retry_after_s=ceil(min(max(waits), MOST_WAIT_S)) if waits else None,
        )
    code = error.reason if error.reason in CODES else "all_panels_failed"
    if len(causes) == 1 and causes <= CODES:
        (code,) = causes
    why = "no node gave a usable answer"
    if code == "response_format_unmet" or causes == {"unusable:contract"}:
        code = "response_format_unmet"
        why = "the answer did not come in the form that the request demands (response_format, tool_choice)"
    refused = final(502, "upstream_error", f"{why}: {', '.join(sorted(causes))}", code)
    refused.lasting = causes <= PERMANENT
    return refused


def _causes(result: RunResult) -> set[str]:
    """Why calls failed; else why nodes did that made none, as no call goes out with a key that was refused. What only
    follows from that is no cause of its own."""
    called = {e.reason for e in result.events if isinstance(e, CallFailed)} - FOLLOWS
    if called:
        return called
    reasons = {e.reason for e in result.events if isinstance(e, NodeFinished) and e.state == "failed"}
    return {reason for reason in reasons - FOLLOWS if not reason.startswith("upstream:")} or reasons


def _account(result: RunResult) -> dict[str, Any]:
    """What a failed run tells of itself: the reason of each node, by name and code, and what it cost."""
    reasons = {
        e.node: e.reason
        for e in result.events
        if isinstance(e, NodeFinished) and e.state in ("failed", "cancelled") and not e.reason.startswith("upstream:")
    }
    return {"run_id": result.run_id, "nodes": reasons, "cost_usd": result.cost_usd, "simulated": result.simulated}
