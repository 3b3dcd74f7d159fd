"""`fusiongraph chat` killed in the middle of an answer and taken up again, and two programs at one conversation.
Counted at the upstream."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest

from fusion_graph.messages import Call, Completion
from fusion_graph.providers._sim.server import SimOptions, SimServer, start
from fusion_graph.providers.sim import Pace
from fusion_graph.store.database import reading
from fusion_graph.store.journal import FILE
from fusion_graph.store.tables import JOURNAL

Program = Callable[..., "subprocess.Popen[str]"]
KILLS, QUESTIONS = 4, 4
PANEL = (
    "version: 1\nname: wise\nnodes:\n  panel: {kind: layer, models: [sim/a, sim/b]}\n"
    "  answer: {kind: synth, model: sim/w, inputs: [panel]}\noutput: answer\n"
)


@pytest.fixture
def chat(program: Program, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """The program on this server, with questions on its standard input, which stays open."""
    (tmp_path / "wise.yaml").write_text(PANEL)

    def begun(server: SimServer, *arguments: object, asks: str) -> subprocess.Popen[str]:
        home = str(tmp_path / "home")
        variables = {"FUSION_BACKEND": "default", "FUSION_BASE_URL": server.url, "FUSION_HOME": home}
        process = program("chat", *arguments, **variables)
        assert process.stdin is not None
        process.stdin.write(asks)
        process.stdin.flush()
        return process

    return begun


class Upstream:
    """Its writer does not answer until it has been asked twice."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.server: SimServer

    async def __aenter__(self) -> Self:
        self.server = await start(script={"sim/w": self._write, "*": "a draft"})
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.aclose()

    async def _write(self, _call: Call) -> Completion:
        if not self.asked.is_set():
            self.asked.set()
            await asyncio.Event().wait()
        return Completion(text="the answer")

    @property
    def models(self) -> Counter[str]:
        return Counter(str(request.body["model"]) for request in self.server.received)


def ended(process: subprocess.Popen[str], asks: str | None = None) -> tuple[int, str, str]:
    out, err = process.communicate(asks, timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_answer_in_flight_goes_on_where_it_was(
    how: signal.Signals, chat: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """Also after Ctrl-C in a pipe. Only the writer is asked again; the pipeline is the one that answered."""

    async def scene() -> Upstream:
        async with Upstream() as upstream:
            first = chat(upstream.server, "--config", tmp_path / "wise.yaml", "--journal", asks="Why?\n")
            await asyncio.wait_for(upstream.asked.wait(), 60)
            first.send_signal(how)
            code, out, err = await asyncio.to_thread(ended, first)
            assert (code, out) == ((-9, "") if how == signal.SIGKILL else (130, ""))
            assert ("fusiongraph chat --resume " in err, "Traceback" in err) == (how == signal.SIGINT, False)
            second = chat(upstream.server, "--resume", "last", asks="/retry\n/stats\n")
            code, out, err = await asyncio.to_thread(ended, second)
            assert (code, out.splitlines()[0]) == (0, "the answer")
            assert "the last question was cut off, /retry goes on with it: Why?" in err
            assert ("perhaps paid twice" in err) == (how == signal.SIGKILL)
            return upstream

    assert asyncio.run(scene()).models == {"sim/a": 1, "sim/b": 1, "sim/w": 2}


def test_a_conversation_that_goes_on_is_nobody_elses(
    chat: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    async def scene() -> None:
        async with Upstream() as upstream:
            upstream.asked.set()
            file = tmp_path / "wise.yaml"
            await asyncio.to_thread(ended, chat(upstream.server, "--config", file, "--journal", asks="Why?\n"))
            first = chat(upstream.server, "--resume", "last", asks="And?\n")
            assert first.stdout is not None
            assert await asyncio.to_thread(first.stdout.readline) == "the answer\n"
            second = chat(upstream.server, "--resume", "last", asks="")
            code, _, err = await asyncio.to_thread(ended, second)
            assert code == 2
            assert f"is still going on in process {first.pid}; wait for it" in err
            assert (await asyncio.to_thread(ended, first))[0] == 0
            assert upstream.models["sim/w"] == 2

    asyncio.run(scene())


def started(home: Path) -> int:
    with reading(home / FILE, JOURNAL) as connection:
        (found,) = connection.execute("SELECT COUNT(*) FROM attempts WHERE state = 'started'").fetchone()
    return int(found)


def test_killed_at_random_moments(chat: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    """Whatever was asked when it was killed is asked again. Nothing is paid twice but what was in flight."""
    dice, in_flight = random.Random(3), 0

    def play(server: SimServer) -> None:
        nonlocal in_flight
        home, more = tmp_path / "home", ["--config", str(tmp_path / "wise.yaml"), "--journal"]
        for number in range(QUESTIONS):
            process = chat(server, *more, asks=f"Question {number}?\n")
            if number < KILLS - 1:
                while not (home / FILE).exists() or not count(home, "lines", number):
                    assert process.poll() is None
                time.sleep(dice.random() * 0.15)  # a moment of chance is what this is about
                process.kill()
                process.communicate(timeout=60)
                in_flight = started(home)
                more = ["--resume", "last"]
                process = chat(server, *more, asks=f"Question {number}?\n" if unanswered(home) else "")
            assert ended(process)[0] == 0
            more = ["--resume", "last"]

    async def scene() -> SimServer:
        server = await start(
            script={"*": lambda call: f"to {call.messages[-1].text[:11]}"},
            options=SimOptions(pace=Pace(first_token_s=0.03, token_s=0.0)),
        )
        try:
            await asyncio.to_thread(play, server)
        finally:
            await server.aclose()
        return server

    asked = Counter(json.dumps(request.body) for request in asyncio.run(scene()).received)
    assert len(asked) == 3 * QUESTIONS
    assert asked.total() - len(asked) <= in_flight


def count(home: Path, table: str, more_than: int) -> bool:
    with reading(home / FILE, JOURNAL) as connection:
        sql = f"SELECT COUNT(*) FROM {table} WHERE body LIKE '%asked%'"  # noqa: S608 (a constant)
        return bool(connection.execute(sql).fetchone()[0] > more_than)


def unanswered(home: Path) -> bool:
    """The last question has no answer yet."""
    with reading(home / FILE, JOURNAL) as connection:
        (line,) = connection.execute("SELECT body FROM lines ORDER BY number DESC LIMIT 1").fetchone()
    return "asked" in json.loads(line)
