"""Paths, methods, names and ids: what every request passes through."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.server import ROUTES
from fusion_graph.server._auth import Key, digest_of
from fusion_graph.server._dispatch import Table
from fusion_graph.server._errors import Refused
from tests.server.stand import Stand, stand


@pytest.mark.parametrize(
    "path", ["/v1/models", "/models", "/v1/v1/models", "/v1/models/", "/models?beta=true", "/v1/models/?x=%2e%2e"]
)
def test_base_urls_may_be_set_wrong(path: str) -> None:
    assert Table(ROUTES).find("GET", path).route is ROUTES["models"]


@pytest.mark.parametrize(
    ("path", "tail"), [("/v1/models/a/x", "a/x"), ("/v1/models/a%2Fx", "a/x"), ("/models/fusion", "fusion")]
)
def test_model_ids_hold_slashes(path: str, tail: str) -> None:
    assert Table(ROUTES).find("GET", path) == (ROUTES["model"], tail)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/nothing", 404), ("GET", "/v1/chat/completions", 405)]
)
def test_what_is_not_there(method: str, path: str, status: int) -> None:
    with pytest.raises(Refused) as refused:
        Table(ROUTES).find(method, path)
    assert refused.value.http_status == status


async def test_wrong_method_says_which() -> None:
    async with stand() as at, at.session.get(at.url("/v1/chat/completions")) as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")
        assert (await response.json())["error"]["code"] == "method_not_allowed"


async def test_every_answer_has_an_id() -> None:
    async with stand() as at:
        for path in ("/livez", "/nothing"):
            async with at.session.get(at.url(path), headers={"x-request-id": "mine-1"}) as response:
                assert response.headers["x-request-id"] == response.headers["request-id"] != "mine-1"
        assert at.log[-1]["client_id"] == "mine-1"


@pytest.mark.parametrize("given", ["a b", "x" * 200, "caf\u00e9"])
async def test_odd_client_ids_stay_out(given: str) -> None:
    async with stand() as at:
        async with at.session.get(at.url("/nothing"), headers={"x-request-id": given}):
            pass
        assert "client_id" not in at.log[-1]


async def raw(at: Stand, request: bytes) -> bytes:
    """What the server answers to these bytes, to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", at.server.port)
    writer.write(request)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("host", ["evil.example", "x/health?", "localhost.evil.example:80"])
async def test_foreign_host_is_refused(host: str) -> None:
    # security 5 and 8: a rebound name, and a header that tries to be a path
    async with stand() as at:
        request = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        answer = await raw(at, request.encode())
    assert answer.split()[1] in (b"403", b"400")
    assert at.upstream.received == []


async def test_garbage_is_not_echoed() -> None:
    # security 26 and 27
    async with stand() as at:
        answer = await raw(at, b"GET / HTTP/1.1\r\nHost: localhost\r\nAuth\x00orization: canary-1\r\n\r\n")
    assert answer.split()[1] == b"400"
    assert b"canary" not in answer
    assert b"bad_http" in answer


async def test_garbage_has_an_id_that_the_log_knows() -> None:
    # wire contract 1.1: every answer carries x-request-id and request-id
    async with stand() as at:
        answer = await raw(at, b"GET / HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n")
        line = at.log[-1]
    assert f"\r\nx-request-id: {line['id']}\r\nrequest-id: {line['id']}\r\n".encode() in answer
    assert (line["status"], line["code"]) == (400, "bad_http")


@pytest.mark.parametrize("host", ["http://localhost", "HTTPS://other.example:1"])
async def test_target_may_name_a_host(host: str) -> None:
    # RFC 9112 3.2.2: every server accepts the absolute form; which route is meant stays the path's matter (security 8)
    async with stand(keys=[Key(name="alice", digest=digest_of("k" * 20))]) as at:
        for path, status in (("/livez", b"200"), ("/v1/models?x=/livez", b"401"), ("", b"200"), ("/nope", b"404")):
            request = f"GET {host}{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            assert (await raw(at, request.encode())).split()[1] == status


async def test_named_page_may_ask_first() -> None:
    async with stand(origins=("https://ours.example",)) as at:
        for origin, status in (("https://ours.example", 204), ("https://other.example", 405)):
            headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            async with at.session.options(at.url("/v1/chat/completions"), headers=headers) as response:
                assert response.status == status
                assert ("Access-Control-Allow-Headers" in response.headers) is (status == 204)


async def test_cors_is_off_unless_named() -> None:
    async with stand(origins=("https://ours.example",)) as at:
        for origin, allowed in (("https://ours.example", True), ("https://other.example", False)):
            async with at.session.get(at.url("/v1/models"), headers={"Origin": origin}) as response:
                assert ("Access-Control-Allow-Origin" in response.headers) is allowed
            async with at.post(stream=True, headers={"Origin": origin}) as streamed:
                assert ("Access-Control-Allow-Origin" in streamed.headers) is allowed


@pytest.mark.parametrize("end", ["\r\n ", "\r\n", "\n", "\r"])
async def test_an_origin_brings_no_line_into_a_head(end: str) -> None:
    """Even where the operator has named it: what a client sends never holds the end of a line."""
    page = f"https://ours.example{end}x-evil: 1"
    async with stand(origins=(page,)) as at:
        said = await raw(
            at, f"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nOrigin: {page}\r\nConnection: close\r\n\r\n".encode()
        )
    assert b"\r\nServer: fusion_graph\r\n" in said
    assert b"evil" not in said.partition(b"\r\n\r\n")[0]
