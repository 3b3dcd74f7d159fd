"""Asks a backend whether it is there, by its list of models: nothing is generated, so nothing is paid."""

from __future__ import annotations

import json
import time
from typing import NamedTuple

import aiohttp

from fusion_graph.contracts import Backend
from fusion_graph.providers._openai_errors import FOREIGN, before_answer

ASK_S = 5.0
MAX_BYTES = 8 << 20


class Reach(NamedTuple):
    """`works`: it answered and did not refuse the key. `told` says the same to people."""

    works: bool
    told: str
    models: tuple[str, ...] = ()


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
    models = _names(body) if status == 200 else ()
    return Reach(True, f"answers {took}" + (f", {len(models)} models" if models else f", status {status}"), models)


def _names(body: bytes) -> tuple[str, ...]:
    try:
        return tuple(str(entry["id"]) for entry in json.loads(body)["data"])
    except (ValueError, KeyError, TypeError):
        return ()
