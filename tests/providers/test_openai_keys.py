"""Where a key goes, and where it is never seen."""

from __future__ import annotations

import asyncio
import logging
import traceback

import pytest

from fusion_graph.contracts import Backend
from fusion_graph.errors import ProviderError
from fusion_graph.providers._openai.client import OpenAIClient
from fusion_graph.providers._sim.faults import FAULTS
from fusion_graph.providers._sim.raw import whole
from fusion_graph.providers._sim.server import SimServer
from tests.providers.rawserver import KEY, TIMEOUTS, asking, faulty, http, ignore, raw_server


async def test_key_goes_into_one_header(upstream: SimServer, client: OpenAIClient) -> None:
    await client.complete(asking(), ignore)
    headers = upstream.received[0].headers
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert [name for name, value in headers.items() if KEY in value] == ["Authorization"]


async def test_without_key_no_header(upstream: SimServer) -> None:
    client = OpenAIClient(Backend(name="test", base_url=upstream.url))
    await client.complete(asking(), ignore)
    assert "Authorization" not in upstream.received[0].headers
    await client.aclose()


async def test_cookies_and_proxies_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    heads: list[bytes] = []

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(http(whole({"content": "x"}), b"Set-Cookie: a=b"))

    async with raw_server(answer, heads) as url:
        client = OpenAIClient(Backend(name="test", base_url=url))
        for _ in range(2):
            await client.complete(asking(), ignore)
        await client.aclose()
    assert len(heads) == 2
    assert not any(b"cookie" in head.lower() for head in heads)


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if name not in TIMEOUTS])
async def test_key_is_never_shown(name: str, client: OpenAIClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="fusion_graph")
    shown = [repr(client)]
    try:
        await client.complete(faulty(name), ignore)
    except ProviderError as error:
        chain: BaseException | None = error
        while chain is not None:
            shown += [repr(chain), *traceback.format_exception(chain)]
            chain = chain.__cause__ or chain.__context__
    assert KEY not in "".join(shown) + caplog.text


async def test_echoed_key_is_redacted_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="fusion_graph")

    async def echo(writer: asyncio.StreamWriter) -> None:
        writer.write(http(b'{"error":\n"bad key %s"}' % KEY.encode(), status=b"401 No"))

    async with raw_server(echo) as url:
        client = OpenAIClient(Backend(name="test", base_url=url, api_key=KEY))
        with pytest.raises(ProviderError) as caught:
            await client.complete(asking(), ignore)
        await client.aclose()
    assert "[key]" in caplog.text
    assert "\\n" in caplog.text
    assert KEY not in caplog.text + repr(caught.value)
