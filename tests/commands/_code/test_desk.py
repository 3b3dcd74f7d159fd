"""`fusiongraph code` on a terminal, its brain a scripted model behind a real socket: asked, refused, interrupted,
resized, undone, with tools of an MCP server (`_code.desk`)."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import threading
from pathlib import Path

import pytest

from fusion_graph.messages import Call, Completion
from fusion_graph.tools._sandbox.levels import find_sandbox
from tests.agent.engineer import APP, RIGHT, TASK, engineer, git, make_project, use
from tests.commands.bench import Bench, Program, Start, on_bench, run
from tests.commands.conftest import Done
from tests.commands.terminal import Terminal

pytestmark = pytest.mark.skipif(find_sandbox() is None, reason="no sandbox here")
READY = "\x1b[?2004h"
SHOP = [sys.executable, str(Path(__file__).parents[2] / "tools" / "mcp_shop.py")]


def sleeper(call: Call) -> Completion:
    """Begins with a command that takes for ever."""
    return engineer(call) if any(m.role == "tool" for m in call.messages) else use("bash", command="sleep 1000")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


def test_every_change_is_shown_and_asked_about(terminal: Start, project: Path) -> None:
    def work(bench: Bench) -> Terminal:
        screen = terminal(*bench.arguments, TASK, "--approve", **bench.variables)
        screen.wait_for('+    return "0.9"')
        screen.wait_for("edit_file? yes, no, always for edit_file")
        assert (project / "app.py").read_text() == APP
        screen.type("always\r")
        screen.wait_for("write_file? yes")
        screen.type("y\r")
        screen.wait_for("bash? yes")
        screen.type("y\r")
        screen.wait_for("1 failed")
        screen.wait_for("$ PYTEST", times=2)
        screen.wait_for(READY, times=4)
        screen.type("a\r")
        assert screen.finish() == 0
        return screen

    screen = on_bench(project, work)
    assert (project / "app.py").read_text() == APP + "\n\n" + RIGHT
    assert "Traceback" not in screen.text


def test_a_refused_change_is_not_made(terminal: Start, project: Path) -> None:
    def stubborn(call: Call) -> Completion:
        return Completion(text="I stop.") if any(m.role == "tool" for m in call.messages) else engineer(call)

    def work(bench: Bench) -> int:
        screen = terminal(*bench.arguments, TASK, "--approve", **bench.variables)
        screen.wait_for("edit_file? yes")
        screen.type("no: not like this\r")
        screen.wait_for("I stop.")
        return screen.finish()

    assert on_bench(project, work, {"sim/engineer": stubborn}) == 0
    assert (project / "app.py").read_text() == APP


def test_what_was_typed_ahead_approves_nothing(terminal: Start, project: Path) -> None:
    """The yes comes while the model still thinks: it cannot be meant for a change that nobody has seen."""
    asked, answered = threading.Event(), threading.Event()

    async def thinks(call: Call) -> Completion:
        if any(m.role == "tool" for m in call.messages):
            return Completion(text="I stop.")
        asked.set()
        await asyncio.to_thread(answered.wait, 30)
        return engineer(call)

    def work(bench: Bench) -> None:
        screen = terminal(*bench.arguments, TASK, "--approve", **bench.variables)
        assert asked.wait(30)
        screen.type("yes\ralways\r")
        answered.set()
        screen.wait_for("edit_file? yes")
        screen.wait_for(READY)
        screen.type("no\r")
        screen.wait_for("I stop.")
        screen.finish()

    on_bench(project, work, {"sim/engineer": thinks})
    assert (project / "app.py").read_text() == APP


def test_a_plan_can_be_refused(terminal: Start, project: Path) -> None:
    def work(bench: Bench) -> int:
        screen = terminal(*bench.arguments, TASK, "--plan", **bench.variables)
        screen.wait_for("act on this plan? yes, no, edit")
        screen.type("no\r")
        return screen.finish()

    on_bench(project, work)
    assert (project / "app.py").read_text() == APP


def test_interactive_with_checkpoint_and_undo(terminal: Start, project: Path) -> None:
    def work(bench: Bench) -> Terminal:
        screen = terminal(*bench.arguments, "--checkpoint", **bench.variables)
        screen.wait_for(READY)
        screen.type(f"{TASK}\r")
        screen.wait_for("Added version() and its test.")
        assert (project / "app.py").read_text() == APP + "\n\n" + RIGHT
        screen.resize(50, 15)
        screen.type("/undo\r")
        screen.wait_for("put back: app.py, test_app.py")
        screen.type("/nope\r")
        screen.wait_for("there is no command /nope")
        screen.leave()
        return screen

    screen = on_bench(project, work)
    assert (project / "app.py").read_text() == APP
    assert (project / "notes.txt").read_text() == "not committed\n"
    assert git(project, "status", "--short") == "?? notes.txt"
    assert "Traceback" not in screen.text


def test_ctrl_c_stops_a_step_and_leaves_nothing_running(terminal: Start, project: Path) -> None:
    def work(bench: Bench) -> Terminal:
        screen = terminal(*bench.arguments, **bench.variables)
        screen.wait_for(READY)
        screen.type(f"{TASK}\r")
        screen.wait_for("$ sleep 1000")
        screen.signal(signal.SIGINT)
        screen.wait_for("stopped; say how to go on")
        screen.type("go on\r")
        screen.wait_for("Added version() and its test.")
        screen.leave()
        return screen

    screen = on_bench(project, work, {"sim/engineer": sleeper})
    assert "Traceback" not in screen.text
    assert (project / "app.py").read_text() == APP + "\n\n" + RIGHT


@pytest.mark.parametrize("how", [(signal.SIGTERM,), (signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGTERM)])
def test_however_it_ends_the_terminal_echoes_again(
    terminal: Start, project: Path, how: tuple[signal.Signals, ...]
) -> None:
    def work(bench: Bench) -> Terminal:
        screen = terminal(*bench.arguments, TASK, **bench.variables)
        screen.wait_for("$ sleep 1000  ")
        assert not screen.echoes
        for number in how:
            screen.signal(number)
        assert screen.finish() in (130, 143)
        return screen

    assert on_bench(project, work, {"sim/engineer": sleeper}).echoes


def test_ctrl_c_twice_in_a_step_leaves_and_the_session_goes_on(
    program: Program, terminal: Start, project: Path
) -> None:
    def work(bench: Bench) -> tuple[Done, Done]:
        screen = terminal(*bench.arguments, **bench.variables)
        screen.wait_for(READY)
        screen.type(f"{TASK}\r")
        screen.wait_for("$ sleep 1000  ")
        screen.signal(signal.SIGINT)
        screen.wait_for("stopped; say how to go on")
        screen.wait_for(READY, times=2)
        screen.type("\x03")
        left = Done(screen.finish(), screen.text, "")
        return left, run(program, bench, "--resume", "last")

    left, again = on_bench(project, work, {"sim/engineer": sleeper})
    assert (left.code, "Traceback" in left.out) == (130, False), left
    assert len(re.findall(r"fusiongraph code --resume \w+ goes on", left.out)) == 1, left
    assert (again.code, "Added version()" in again.out) == (0, True), again


def test_json_on_a_terminal_asks_for_a_task_at_once(terminal: Start, project: Path) -> None:
    screen = terminal("code", "--json", "--root", project, FUSION_HOME=str(project.parent / "home"))
    assert screen.finish() == 2
    assert "--json needs a task" in screen.text


def test_ctrl_c_at_the_prompt_leaves_when_it_comes_twice(terminal: Start, project: Path) -> None:
    def work(bench: Bench) -> int:
        screen = terminal(*bench.arguments, **bench.variables)
        screen.wait_for(READY)
        screen.type("/help\r")
        screen.wait_for("/undo puts back", times=2)
        for round_ in (1, 2):  # a line in between begins the count anew
            screen.wait_for(READY, times=2 * round_)
            screen.type("\x03")
            screen.wait_for("Ctrl-C once more leaves", times=round_)
            screen.wait_for(READY, times=2 * round_ + 1)
            screen.type("\r" if round_ == 1 else "\x03")
        return screen.finish()

    assert on_bench(project, work) == 130


def test_what_one_task_changed_is_put_back_when_its_session_goes_on(
    program: Program, terminal: Start, project: Path
) -> None:
    def work(bench: Bench) -> Done:
        done = run(program, bench, TASK, "--checkpoint")
        screen = terminal(*bench.arguments, "--resume", "last", **bench.variables)
        screen.wait_for(READY)
        screen.type("/undo\r")
        screen.wait_for("put back: app.py, test_app.py")
        screen.leave()
        return done

    done = on_bench(project, work)
    assert "and /undo put back what was changed" in done.err
    assert (project / "app.py").read_text() == APP


def shop_at_hand(project: Path) -> str:
    """A fusiongraph.toml that names an MCP server."""
    pytest.importorskip("mcp")
    file = project.parent / "fusiongraph.toml"
    file.write_text(f"[mcp.shop]\ncommand = {json.dumps(SHOP)}\n")
    return str(file)


def buys(call: Call) -> Completion:
    """Asks an MCP server for a price, if it was given that tool."""
    results = [m.text for m in call.messages if m.role == "tool"]
    if results:
        return use("finish", 1, summary=results[-1], verified="asked")
    names = {tool["function"]["name"] for tool in call.sampling.tools}
    return use("mcp__shop__price", item="tea") if "mcp__shop__price" in names else Completion(text="no such tool")


def test_tools_of_mcp_servers_only_when_allowed_by_name(program: Program, project: Path) -> None:
    def work(bench: Bench) -> tuple[Done, Done]:
        bench.variables["FUSION_CONFIG"] = shop_at_hand(project)
        return run(program, bench, "buy", "--json"), run(program, bench, "buy", "--allow-tools", "mcp:shop/price")

    without, allowed = on_bench(project, work, {"sim/engineer": buys})
    assert '"no such tool"' in without.out
    assert (allowed.code, 'mcp__shop__price item="tea"' in allowed.out) == (0, True), allowed
    assert "tea costs 42" in allowed.out


def test_a_call_of_an_mcp_server_is_asked_about_though_it_says_that_it_only_reads(
    terminal: Start, project: Path
) -> None:
    def work(bench: Bench) -> Terminal:
        more = ("--approve", "--allow-tools", "mcp:shop")
        screen = terminal(*bench.arguments, "buy", *more, FUSION_CONFIG=shop_at_hand(project), **bench.variables)
        screen.wait_for("mcp__shop__price? yes, no, always")
        assert '"item": "tea"' in screen.text
        screen.type("no\r")
        screen.wait_for("the user refused this call")
        screen.finish()
        return screen

    assert "costs 42" not in on_bench(project, work, {"sim/engineer": buys}).text
