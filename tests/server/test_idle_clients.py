"""A panel that takes long does not lose its clients: the real SDKs, with the longest silence that they bear turned down
below what the panel needs."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.server import _running, _sse
from tests.server.stand import Stand, stand

anthropic = pytest.importorskip("anthropic")
openai = pytest.importorskip("openai")

SILENCE_S = 1.0
PHASE_S = 1.3
ASKED: dict[str, Any] = {"model": "fusion", "messages": [{"role": "user", "content": "Why?"}]}


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sse, "BEAT_S", 0.05)
    monkeypatch.setattr(_running, "COMMIT_S", 0.05)


def warm_up() -> None:
    """Loads what the SDKs load on first use, which would hold up the server too."""
    sdk = openai.OpenAI(api_key="any")
    _ = (sdk.chat.completions, sdk.responses, anthropic.Anthropic(api_key="any").messages)


warm_up()


def openai_client(at: Stand) -> Any:
    return openai.AsyncOpenAI(base_url=at.url("/v1"), api_key="any", timeout=SILENCE_S, max_retries=0)


async def ask_chat(at: Stand) -> str:
    async with openai_client(at) as sdk:
        stream = await sdk.chat.completions.create(**ASKED, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


async def ask_responses(at: Stand) -> str:
    async with openai_client(at) as sdk:
        stream = await sdk.responses.create(model="fusion", input="Why?", stream=True)
        return "".join([event.delta async for event in stream if event.type == "response.output_text.delta"])


async def ask_messages(at: Stand) -> str:
    async with (
        anthropic.AsyncAnthropic(base_url=at.url(""), api_key="any", timeout=SILENCE_S, max_retries=0) as sdk,
        sdk.messages.stream(**ASKED, max_tokens=50) as stream,
    ):
        return "".join([text async for text in stream.text_stream])


@pytest.mark.parametrize("ask", [ask_chat, ask_responses, ask_messages])
async def test_each_phase_is_longer_than_the_client_waits(ask: Any) -> None:
    script: Any = {"a/x": (PHASE_S, "A draft."), "w/w": ("Hel", PHASE_S, "lo")}
    async with stand(script) as at:
        assert await ask(at) == "Hello"
