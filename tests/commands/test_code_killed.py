"""`fusiongraph code` killed at random moments and taken up again: no reply is bought twice but one in flight, no change is
made twice, and whoever cannot know says so. Counted at the upstream and in the folder."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from fusion_graph.engine.toolloop import UNSURE
from fusion_graph.messages import Call, Completion, ToolCall
from fusion_graph.providers._sim_server import SimServer, start
from fusion_graph.store.database import reading
from fusion_graph.store.journal import FILE
from fusion_graph.store.tables import JOURNAL
from fusion_graph.tools._sandbox import find_sandbox
from tests.agent.engineer import use

pytestmark = pytest.mark.skipif(find_sandbox() is None, reason="no sandbox here")
Program = Callable[..., "subprocess.Popen[str]"]
STEPS, KILLS = 6, 4


def diligent(call: Call) -> Completion:
    """Six replies with two commands each; every command leaves its mark in a file."""
    number = sum(message.role == "assistant" for message in call.messages)
    if number == STEPS:
        return use("finish", 99, summary="marks made", verified="counted")
    marks = [{"command": f"echo {number}.{n} >> marks; sleep 0.02"} for n in range(2)]
    calls = tuple(ToolCall(id=f"call_{n}", name="bash", arguments=json.dumps(mark)) for n, mark in enumerate(marks))
    return Completion(tool_calls=calls, finish_reason="tool_calls")


def started(home: Path) -> int:
    """Calls of the brain of which nobody wrote down how they ended."""
    with reading(home / FILE, JOURNAL) as connection:
        (found,) = connection.execute("SELECT COUNT(*) FROM attempts WHERE state = 'started'").fetchone()
    return int(found)


def kill_and_go_on(program: Program, server: SimServer, folder: Path, dice: random.Random) -> int:
    """One session, killed a few times; how many calls were in flight then."""
    home, in_flight, killed = folder / "home", 0, 0
    variables = {"FUSION_BACKEND": "default", "FUSION_BASE_URL": server.url, "FUSION_HOME": str(home)}
    line = ["code", "--root", str(folder / "project"), "--model", "sim/engineer", "--json"]
    (folder / "project").mkdir()
    more = ["leave your marks"]
    while True:
        process = program(*line, *more, **variables)
        assert process.stdout is not None
        if killed < KILLS:
            for _ in range(dice.randint(1, 8)):
                process.stdout.readline()
            time.sleep(dice.random() * 0.05)  # a moment of chance is what this is about
            process.kill()
        out, err = process.communicate(timeout=60)
        if process.returncode == 0:
            assert '"finished"' in out
            return in_flight
        assert (process.returncode, killed < KILLS) == (-9, True), err
        killed += 1
        in_flight = max(in_flight, started(home))  # they stay as they stood: of a run the earlier tries too
        more = ["--resume", "last"]


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_moments_and_taken_up_again(seed: int, program: Program, tmp_path: Path) -> None:
    async def scene() -> tuple[SimServer, int]:
        server = await start(script={"sim/engineer": diligent})
        try:
            return server, await asyncio.to_thread(kill_and_go_on, program, server, tmp_path, random.Random(seed))
        finally:
            await server.aclose()

    server, in_flight = asyncio.run(scene())
    asked = Counter(json.dumps(request.body["messages"]) for request in server.received)
    assert len(asked) == STEPS + 1  # nothing was lost, and nobody was asked anything else
    assert asked.total() - len(asked) <= in_flight
    marks = Counter((tmp_path / "project" / "marks").read_text().split())
    last = json.loads(max(asked, key=len))
    told = [m["content"] for m in last if m["role"] == "tool"]
    unsure = sum(text == UNSURE for text in told)
    assert len(told) == 2 * STEPS
    assert set(marks.values()) == {1}
    assert 2 * STEPS - unsure <= len(marks) <= 2 * STEPS
