"""Ctrl-C and SIGTERM in every phase: exit code 130 or 143 within a second, no traceback, nothing left running."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from fusion_graph.commands import _interrupt
from fusion_graph.providers._sim.server import SimOptions, start
from fusion_graph.providers.sim import Pace
from tests.commands.terminal import Terminal

Start = Callable[..., "subprocess.Popen[str]"]


def end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """Send the signal; the exit code, and what stands on stderr."""
    process.send_signal(number)
    _out, err = process.communicate(timeout=30)
    return process.returncode, err


@pytest.mark.parametrize(
    ("number", "exit_code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_run_in_flight_ends(program: Start, slow: Path, number: signal.Signals, exit_code: int, word: str) -> None:
    process = program("run", slow, "hello")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("backend: sim")
    code, err = end(process, number)
    assert code == exit_code
    assert "Traceback" not in err
    assert err.strip().splitlines()[-1].startswith(word)


def test_waiting_for_a_prompt_ends(terminal: Callable[..., Terminal]) -> None:
    screen = terminal("run", "budget", "-")
    screen.wait_for("Ctrl-D ends it")
    assert screen.interrupt() == 130
    assert screen.text.endswith("\ninterrupted\n")


def test_the_server_sees_its_connections_close(program: Start) -> None:
    """A real socket: the upstream's calls are cancelled, not left to run."""

    async def scene() -> tuple[int, int, int]:
        server = await start(options=SimOptions(pace=Pace(first_token_s=30.0)))
        try:
            process = program("run", "budget", "hello", FUSION_BACKEND="default", FUSION_BASE_URL=server.url)
            async with asyncio.timeout(60):
                await server.sim.called("google/gemini-3-flash")
                code, _err = await asyncio.to_thread(end, process, signal.SIGINT)
                await server.sim.until(lambda sim: not sim.running)
            return code, len(server.sim.cancelled), len(server.sim.received)
        finally:
            await server.aclose()

    code, cancelled, received = asyncio.run(scene())
    assert code == 130
    assert cancelled == received > 0


def test_the_terminal_is_left_tidy(terminal: Callable[..., Terminal], slow: Path) -> None:
    screen = terminal("run", slow, "hello")
    screen.wait_for("writing")
    assert screen.interrupt() == 130
    assert "cancelled" in screen.text
    assert "to go on: fusiongraph run --resume " in screen.text
    assert "interrupted: " in screen.text.splitlines()[-1]
    assert "\x1b[?25l" not in screen.text  # nobody hid the cursor


def test_an_interrupted_run_leaves_its_trace(program: Start, slow: Path, tmp_path: Path) -> None:
    process = program("run", slow, "hello", "--trace", tmp_path / "t.jsonl")
    assert process.stderr is not None
    process.stderr.readline()
    assert end(process, signal.SIGINT)[0] == 130
    lines = (tmp_path / "t.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["event"] == "RunStarted"


def test_a_thread_keeps_its_signals() -> None:
    handlers: list[object] = []

    def work() -> None:
        with _interrupt.watched():
            handlers.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [before]


async def test_a_cancelled_coroutine_is_not_an_interrupt() -> None:
    """Only a signal makes a KeyboardInterrupt; what the run itself cancels stays what it is."""

    async def cancel_myself() -> None:
        raise asyncio.CancelledError

    def work() -> None:
        _interrupt.run(cancel_myself())

    with pytest.raises(asyncio.CancelledError):
        await asyncio.to_thread(work)
