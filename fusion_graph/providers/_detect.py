"""Finds model servers that run on this machine: loopback only, all asked at once, each judged by what it says and not
by its port. A few lines of HTTP by hand: asking must not cost the import of a client.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

ASK_S = 0.15
LIST_S = 1.0

_HOST = "127.0.0.1"
_MAX_BYTES = 1 << 18


class Candidate(NamedTuple):
    """A server to ask for: where it listens by default, what to get, and how its answer looks."""

    name: str
    port: int
    path: str
    is_it: Callable[[Mapping[str, Any]], bool]


class LocalServer(NamedTuple):
    """One that answered. `base_url` is what a backend needs."""

    name: str
    base_url: str


def _is_vllm(body: Mapping[str, Any]) -> bool:
    models = body.get("data")
    return isinstance(models, list) and any(isinstance(m, dict) and m.get("owned_by") == "vllm" for m in models)


CANDIDATES: tuple[Candidate, ...] = (
    Candidate("ollama", 11434, "/api/version", lambda body: isinstance(body.get("version"), str)),
    Candidate("lmstudio", 1234, "/api/v0/models", lambda body: isinstance(body.get("data"), list)),
    Candidate("llama-server", 8080, "/props", lambda body: "default_generation_settings" in body),
    Candidate("vllm", 8000, "/v1/models", _is_vllm),
)


async def find_local_servers(
    candidates: Sequence[Candidate] = CANDIDATES, *, ask_s: float = ASK_S, not_ports: Collection[int] = ()
) -> tuple[LocalServer, ...]:
    """Those that answer within `ask_s`, in the order of the candidates. `not_ports` are our own: we never ask us."""
    asked = [candidate for candidate in candidates if candidate.port not in not_ports]
    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(_ask(candidate, ask_s)) for candidate in asked]
    return tuple(
        LocalServer(candidate.name, f"http://{_HOST}:{candidate.port}/v1")
        for candidate, answer in zip(asked, answers, strict=True)
        if answer.result()
    )


async def list_models(server: LocalServer) -> tuple[str, ...]:
    """The models it can answer with, as it names them, in its own order; those that only embed are left out."""
    port = urlsplit(server.base_url).port
    try:
        async with asyncio.timeout(LIST_S):
            body = await _get(port or 0, "/v1/models")
        names = [str(entry["id"]) for entry in body["data"]]
    except (OSError, TimeoutError, ValueError, KeyError, TypeError):
        return ()
    return tuple(name for name in names if "embed" not in name.lower())


async def _ask(candidate: Candidate, ask_s: float) -> bool:
    try:
        async with asyncio.timeout(ask_s):
            body = await _get(candidate.port, candidate.path)
    except (OSError, TimeoutError, ValueError):
        return False
    return isinstance(body, dict) and "error" not in body and candidate.is_it(body)


async def _get(port: int, path: str) -> Any:
    """The JSON behind a 200. HTTP 1.0, so that the body comes unframed and ends with the connection."""
    reader, writer = await asyncio.open_connection(_HOST, port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n".encode())
        answer = b""
        while len(answer) < _MAX_BYTES and (part := await reader.read(1 << 16)):
            answer += part
    finally:
        writer.transport.abort()
    head, _, body = answer.partition(b"\r\n\r\n")
    if head[:5] != b"HTTP/" or head[9:12] != b"200":
        raise ValueError
    return json.loads(body)
