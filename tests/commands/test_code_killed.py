"""`fusiongraph code` killed at random moments and taken up again: no reply is bought twice but one in flight, no change
is made twice, and whoever cannot know says so. Counted at the upstream and in the folder."""

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

from fusion_graph.agent.memory import PUT_OFF
from fusion_graph.engine.tooluse import UNSURE
from fusion_graph.messages import Call, Completion, ToolCall
from fusion_graph.providers._sim.server import SimOptions, SimServer, start
from fusion_graph.providers.sim import Pace
from fusion_graph.store.database import reading
from fusion_graph.store.journal import FILE
from fusion_graph.store.tables import JOURNAL
from fusion_graph.tools._sandbox.levels import find_sandbox
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
        server = await start(
            script={"sim/engineer": diligent}, options=SimOptions(pace=Pace(first_token_s=0.03, token_s=0.0))
        )
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


PANEL = (
    "version: 1\nname: {name}\nnodes:\n  panel: {{kind: layer, models: [sim/{name}-a, sim/{name}-b]}}\n"
    "  answer: {{kind: synth, model: sim/{name}, inputs: [panel]}}\noutput: answer\n"
)


@pytest.mark.parametrize("stuck", ["brain", "wise"])
def test_a_panel_in_flight_goes_on_where_it_was(stuck: str, program: Program, tmp_path: Path) -> None:
    """The brain, or the council it has called: what its members said is there, only the writer is asked again."""
    for name in ("brain", "wise"):
        (tmp_path / f"{name}.yaml").write_text(PANEL.format(name=name))
    (tmp_path / "project").mkdir()
    asked = asyncio.Event()

    async def hangs_once(call: Call) -> Completion:
        if call.model == f"sim/{stuck}" and not asked.is_set():
            asked.set()
            await asyncio.Event().wait()
        results = [message for message in call.messages if message.role == "tool"]
        if call.model == "sim/wise":
            return Completion(text="left")
        if not results:
            return use("council", question="Which way?")
        return use("finish", 1, summary=results[0].text, verified="the council said so")

    async def scene() -> tuple[SimServer, str, str]:
        server = await start(script={"sim/brain": hangs_once, "sim/wise": hangs_once, "*": "look"})
        line = ["code", "--root", tmp_path / "project", "--model", tmp_path / "brain.yaml"]
        line += ["--council", tmp_path / "wise.yaml"]
        variables = {"FUSION_BACKEND": "default", "FUSION_BASE_URL": server.url, "FUSION_HOME": str(tmp_path / "home")}
        try:
            first = program(*line, "go", **variables)
            await asyncio.wait_for(asked.wait(), 60)
            first.kill()
            second = program(*line, "--resume", "last", **variables)
            out, err = await asyncio.to_thread(second.communicate, timeout=60)
            assert second.returncode == 0, err
            return server, out, err
        finally:
            await server.aclose()

    server, out, err = asyncio.run(scene())
    assert "left" in out
    assert "perhaps paid twice, as nobody knows how it ended: answer" in err
    found = Counter(request.body["model"] for request in server.received)
    brains = {"sim/brain": 2, "sim/brain-a": 1, "sim/brain-b": 1}  # a turn with a tool's result asks the writer alone
    once = {**brains, "sim/wise": 1, "sim/wise-a": 1, "sim/wise-b": 1}
    assert found == {**once, f"sim/{stuck}": once[f"sim/{stuck}"] + 1}


def test_another_task_puts_off_what_was_under_way(program: Program, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    heard: list[Call] = []

    def script(call: Call) -> Completion:
        heard.append(call)
        if len(heard) > 1:
            return Completion(text="as you say")
        calls = tuple(
            ToolCall(id=f"call_{n}", name="bash", arguments=json.dumps({"command": "echo here; sleep 600"}))
            for n in range(2)
        )
        return Completion(tool_calls=calls, finish_reason="tool_calls")

    async def scene() -> None:
        server = await start(script={"sim/engineer": script})
        line = ["code", "--root", tmp_path / "project", "--model", "sim/engineer", "--json"]
        variables = {"FUSION_BACKEND": "default", "FUSION_BASE_URL": server.url, "FUSION_HOME": str(tmp_path / "home")}
        try:
            first = program(*line, "wait", **variables)
            assert first.stdout is not None
            while '"Used"' not in await asyncio.to_thread(first.stdout.readline):
                assert first.poll() is None
            await asyncio.to_thread(until_under_way, tmp_path / "home")
            first.kill()
            second = program(*line, "--resume", "last", "stop that", **variables)
            _, err = await asyncio.to_thread(second.communicate, timeout=60)
            assert second.returncode == 0, err
        finally:
            await server.aclose()

    asyncio.run(scene())
    assert [message.text for message in heard[1].messages[-3:]] == [UNSURE, PUT_OFF, "stop that"]


def until_under_way(home: Path) -> None:
    """Returns when a call that changes something was written down to begin."""
    with reading(home / FILE, JOURNAL) as connection:
        while not connection.execute("SELECT 1 FROM lines WHERE body LIKE '%acting%'").fetchone():
            pass
