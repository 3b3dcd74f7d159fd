"""What went wrong, in the words of each wire (wire contract 1.6). Pure: a Refused becomes a status and a body.

The statuses differ because clients do: each sends again on other ones, and every replay buys a whole graph anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from fusion_graph.server._errors import PERMANENT, Refused

Spoken: TypeAlias = tuple[int, dict[str, Any]]
SETUP = frozenset({"not_ready"})
"""A server that is set up wrong: as lasting as what an upstream refuses for good."""


def lasting(refused: Refused) -> bool:
    """The run failed for good: the same again would end the same."""
    return refused.lasting or (refused.http_status == 502 and refused.code in PERMANENT | SETUP)


def chat(refused: Refused, _request_id: str) -> Spoken:
    return refused.http_status, refused.body


def responses(refused: Refused, _request_id: str) -> Spoken:
    """As Chat, but what must not be sent again is a 400: its clients replay everything else."""
    final = refused.code == "insufficient_quota" or lasting(refused)
    return 400 if final else refused.http_status, refused.body


TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""The words of Messages; any other status of the client's own fault is an invalid request."""


RENAMED: Mapping[int, int] = {502: 500, 503: 529}


def messages(refused: Refused, request_id: str) -> Spoken:
    status = RENAMED.get(refused.http_status, refused.http_status)
    kind = TYPES.get(status, "invalid_request_error")
    if refused.code == "insufficient_quota":
        status, kind = 400, "billing_error"
    error: dict[str, Any] = {"type": kind, "message": refused.message}
    if refused.fusion is not None:
        error["fusion"] = dict(refused.fusion)
    return status, {"type": "error", "error": error, "request_id": request_id}


def failure_code(refused: Refused) -> str:
    """What `response.failed` says: of the three codes, one alone keeps its clients from sending it again."""
    if refused.code == "rate_limit_exceeded":
        return "rate_limit_exceeded"
    final = lasting(refused) or refused.code == "insufficient_quota" or refused.http_status < 429
    return "invalid_prompt" if final else "server_error"


def shape_of(path: str, *, anthropic: bool) -> Callable[[Refused, str], Spoken]:
    """By the path without `/v1`; `anthropic`: the request carries that wire's header."""
    if path == "/messages" or path.startswith("/messages/") or (anthropic and path.startswith("/models")):
        return messages
    return responses if path == "/responses" or path.startswith("/responses/") else chat
