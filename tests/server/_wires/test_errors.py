"""The table of wire contract 1.6: one mistake, three wires."""

from __future__ import annotations

import pytest

from fusion_graph.server._errors import (
    Refused,
    forbidden,
    internal,
    invalid,
    limited,
    model_not_found,
    over_budget,
    unauthorized,
    unavailable,
)
from fusion_graph.server._wires.errors import chat, messages, responses, shape_of
from tests.server.stand import stand


def lasting() -> Refused:
    refused = Refused(502, "upstream_error", "x", code="all_panels_failed", retry=False)
    refused.lasting = True
    return refused


@pytest.mark.parametrize(
    ("refused", "statuses", "kind"),
    [
        (invalid("x"), (400, 400, 400), "invalid_request_error"),
        (unauthorized("x"), (401, 401, 401), "authentication_error"),
        (forbidden("x"), (403, 403, 403), "permission_error"),
        (model_not_found("x"), (404, 404, 404), "not_found_error"),
        (Refused(405, "invalid_request_error", "x"), (405, 405, 405), "invalid_request_error"),
        (Refused(413, "invalid_request_error", "x"), (413, 413, 413), "request_too_large"),
        (Refused(415, "invalid_request_error", "x"), (415, 415, 415), "invalid_request_error"),
        (limited("x", 5), (429, 429, 429), "rate_limit_error"),
        (over_budget("x"), (429, 400, 400), "billing_error"),
        (lasting(), (502, 400, 500), "api_error"),
        (Refused(502, "upstream_error", "x", code="not_ready"), (502, 400, 500), "api_error"),
        (Refused(502, "upstream_error", "x", code="all_panels_failed"), (502, 502, 500), "api_error"),
        (unavailable("x", "draining"), (503, 503, 529), "overloaded_error"),
        (Refused(504, "timeout_error", "x", code="deadline"), (504, 504, 504), "timeout_error"),
        (internal(), (500, 500, 500), "api_error"),
    ],
)
def test_each_wire_has_its_status(refused: Refused, statuses: tuple[int, int, int], kind: str) -> None:
    said = [shape(refused, "req_1") for shape in (chat, responses, messages)]
    assert tuple(status for status, _ in said) == statuses
    assert said[0][1] == said[1][1] == refused.body
    assert said[2][1] == {
        "type": "error",
        "error": {"type": kind, "message": refused.message},
        "request_id": "req_1",
    }


def test_account_of_a_run_comes_along() -> None:
    refused = Refused(502, "upstream_error", "x", fusion={"run_id": "r"})
    assert messages(refused, "")[1]["error"]["fusion"] == {"run_id": "r"}


@pytest.mark.parametrize(
    ("path", "anthropic", "shape"),
    [
        ("/messages", False, messages),
        ("/messages/count_tokens", False, messages),
        ("/messages/batches", False, messages),
        ("/messagesx", False, chat),
        ("/responses", False, responses),
        ("/responses/resp_1", False, responses),
        ("/models", True, messages),
        ("/models/x", True, messages),
        ("/models", False, chat),
        ("/chat/completions", True, chat),
    ],
)
def test_the_path_decides_whose_words(path: str, anthropic: bool, shape: object) -> None:
    assert shape_of(path, anthropic=anthropic) is shape


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("POST", "/v1/messages/batches", 404, "not_found_error"),
        ("GET", "/messages", 405, "invalid_request_error"),
        ("GET", "/v1/v1/messages/?beta=true", 405, "invalid_request_error"),
        ("POST", "/v1/messages", 415, "invalid_request_error"),
    ],
)
async def test_whole_server_speaks_messages_there(method: str, path: str, status: int, kind: str) -> None:
    async with stand() as at, at.session.request(method, at.url(path)) as response:
        body = await response.json()
    assert (response.status, body["error"]["type"]) == (status, kind)
    assert body["request_id"] == response.headers["request-id"]
