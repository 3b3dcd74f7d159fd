"""An upstream that is a process of its own, killed in the middle of runs, and its return."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.loopback import free_port, read_stream
from tests.server.stand import ONE, PANEL, UPSTREAM_KEY, events_of, stand, text_of

ROOT = Path(__file__).parents[2]
QUICK, SLOW = "0", "0.2"  # seconds before each token


@asynccontextmanager
async def upstream(port: int, token_s: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`fusiongraph sim` on this port, ready for calls; killed at the end, if not before."""
    given = ["--port", str(port), "--first-token-s", "0", "--token-s", token_s, "--api-key", UPSTREAM_KEY]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fusion_graph", "sim", *given, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert b"FUSION_BASE_URL" in await process.stdout.readline()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_killed_upstream_fails_runs_and_its_return_heals_them() -> None:
    port = free_port()
    async with stand(None, PANEL, ONE, base_url=f"http://127.0.0.1:{port}/v1") as at:
        async with upstream(port, SLOW) as process:
            whole = asyncio.create_task(at.ask(model="one"))
            fusion = asyncio.create_task(at.ask())
            async with at.post(model="one", stream=True) as response:
                async for line in response.content:
                    if b'"content": "' in line and b'"content": ""' not in line:
                        break
                process.kill()
                events = events_of(await read_stream(response))
            assert "[DONE]" not in events
            assert events[-1]["error"]["code"] == "all_panels_failed"
            assert text_of(events[:-1]) or len(events) == 1
            assert [(await task)[0] for task in (whole, fusion)] == [502, 502]
        assert (await at.ask())[0] == 502  # it is gone
        async with upstream(port, QUICK):
            answers = await asyncio.gather(*(at.ask(model=model) for model in ("fusion", "one") for _ in range(8)))
            assert {status for status, _ in answers} == {200}
            assert not any(body["fusion"]["degraded"] for _, body in answers)
        assert at.server.service.admission.running == 0
