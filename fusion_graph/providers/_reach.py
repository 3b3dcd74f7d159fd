"""Asks a backend whether it is there, by its list of models: nothing is generated, so nothing is paid."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import aiohttp

from fusion_graph.contracts import Backend
from fusion_graph.providers._openai.errors import FOREIGN, before_answer

ASK_S = 5.0
MAX_BYTES = 8 << 20
LENGTHS = ("context_length", "max_model_len", "max_context_length", "max_input_tokens")
"""Words of OpenRouter, vLLM, LM Studio and Anthropic."""


class Reach(NamedTuple):
    """`works`: it answered and did not refuse the key. `told` says the same to people. `lengths`: tokens that models
    read, of those it says that of."""

    works: bool
    told: str
    models: tuple[str, ...] = ()
    lengths: Mapping[str, int] = MappingProxyType({})


async def reach(backend: Backend, ask_s: float = ASK_S) -> Reach:
    """Never raises for what a backend does. The key goes to its own address only; redirects are not followed."""
    headers = {"Authorization": f"Bearer {backend.api_key}"} if backend.api_key else {}
    begin = time.monotonic()
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ask_s), trust_env=False) as session,
            session.get(f"{backend.base_url}/models", headers=headers, allow_redirects=False) as response,
        ):
            body = await response.content.read(MAX_BYTES)
            status = response.status
    except TimeoutError:
        return Reach(False, f"does not answer within {ask_s:g} s")
    except FOREIGN as error:
        return Reach(False, before_answer(error).message)
    took = f"in {time.monotonic() - begin:.2f} s"
    if status in (401, 403):
        return Reach(False, f"answers {took}, refuses the key (status {status})")
    listed = _listed(body) if status == 200 else {}
    told = f"answers {took}" + (f", {len(listed)} models" if listed else f", status {status}")
    lengths = {name: length for name, entry in listed.items() if (length := _length(entry))}
    return Reach(True, told, tuple(listed), lengths)


def _listed(body: bytes) -> dict[str, Mapping[str, Any]]:
    try:
        return {str(entry["id"]): entry for entry in json.loads(body)["data"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}


def _length(entry: Mapping[str, Any]) -> int:
    """What a model reads, in whichever words its server says it; the least of them. 0 = it does not say."""
    top = entry.get("top_provider")
    said = [entry.get(word) for word in LENGTHS] + [top.get("context_length") if isinstance(top, Mapping) else None]
    return min((length for length in said if type(length) is int and length > 0), default=0)
