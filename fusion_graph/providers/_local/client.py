"""Starts the embedded model on first use and talks to it; ends it with the client. See `local` and `_local/child`."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from fusion_graph.contracts import Backend, Sink
from fusion_graph.errors import Permanent, ProviderError
from fusion_graph.messages import Call, Completion
from fusion_graph.providers._openai.client import OpenAIClient

MODEL = "smollm2-135m-instruct"
MOST_TOKENS = 400
"""Of one reply, whatever a pipeline allows its models: one this small soon repeats itself, to the very last token."""
_CHILD = Path(__file__).with_name("child.py")
_START_S = 60.0
_END_S = 5.0


class LocalClient:
    """The embedded model, started by the first call. Calls that come meanwhile wait for the same start."""

    def __init__(self, backend: Backend, *, engine: Path, weights: Path) -> None:
        self._backend = backend
        options = backend.options
        self._wanted = {
            "gguf": str(weights),
            "path": str(engine),
            "name": MODEL,
            "threads": int(options.get("threads", 1)),
            "parallel": int(options.get("parallel", 4)),
            "context": int(options.get("context", 8192)),
        }
        self._most = int(options.get("most_tokens", MOST_TOKENS))
        self._starting: asyncio.Task[_Child] | None = None

    async def complete(self, call: Call, sink: Sink) -> Completion:
        starting = self._starting
        if starting is None or (starting.done() and (starting.exception() or starting.result().is_lost)):
            starting = self._starting = asyncio.create_task(self._start(starting), name="local model")
        child = await asyncio.shield(starting)  # who stops waiting does not stop the start
        asked = call.sampling.max_tokens or self._most
        sampling = call.sampling._replace(max_tokens=min(asked, self._most))
        try:
            return await child.client.complete(replace(call, sampling=sampling), sink)
        except ProviderError as error:
            child.is_lost = child.is_lost or not error.sent
            raise

    async def aclose(self) -> None:
        starting, self._starting = self._starting, None
        if starting is not None:
            starting.cancel()
            await asyncio.wait([starting])
            await _close_started(starting)

    async def _start(self, before: asyncio.Task[_Child] | None) -> _Child:
        if before is not None:
            await _close_started(before)
        return await _start_child(self._backend, self._wanted)


class _Child:
    """A running model: its process, its log and a client that has its key."""

    def __init__(self, process: Process, client: OpenAIClient, log: IO[bytes]) -> None:
        self._process = process
        self.client = client
        self._log = log
        self.is_lost = False  # it could not be reached: the next call starts another

    async def aclose(self) -> None:
        await self.client.aclose()
        await _end(self._process)
        self._log.close()


async def _close_started(starting: asyncio.Task[_Child]) -> None:
    if not starting.cancelled() and starting.exception() is None:
        await starting.result().aclose()


async def _start_child(backend: Backend, wanted: Mapping[str, Any]) -> _Child:
    """Raises Permanent with the last line of the log if it does not come up."""
    key = secrets.token_urlsafe(32)
    with ExitStack() as undo:
        log = undo.enter_context(tempfile.TemporaryFile())
        # An environment of its own: no keys go to the child, and OpenMP must not spin while it waits (20 times slower
        # on a busy machine).
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(_CHILD)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=log,
            env={"OMP_WAIT_POLICY": "PASSIVE"},
        )
        try:
            async with asyncio.timeout(_START_S):
                url = await _shake_hands(process, {**wanted, "key": key})
        except (TimeoutError, OSError, ValueError):
            await _end(process)
            failure = Permanent("connect_error", f"the embedded model did not start{_last_line(log)}", sent=False)
        except BaseException:
            _kill(process)  # nobody wants it any more, and while it loads it would not hear a request
            await _end(process)
            raise
        else:
            undo.pop_all()
            return _Child(process, OpenAIClient(replace(backend, base_url=f"{url}/v1", api_key=key)), log)
    raise failure


async def _shake_hands(process: Process, wanted: Mapping[str, Any]) -> str:
    """Tell the child what to serve; where it does. Raises OSError or ValueError if it ended instead."""
    if process.stdin is None or process.stdout is None:
        raise ValueError
    process.stdin.write(json.dumps(wanted).encode() + b"\n")
    await process.stdin.drain()
    answer = json.loads(await process.stdout.readline())
    return str(answer["url"])


async def _end(process: Process) -> None:
    """Close its standard input, which ends it; kill it if that takes long, or if nobody may wait."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_END_S):
            await process.wait()
    except BaseException as error:
        _kill(process)
        await process.wait()
        if not isinstance(error, TimeoutError):
            raise


def _kill(process: Process) -> None:
    if process.returncode is None:
        process.kill()


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return f": {lines[-1][:200]}" if lines else ""
