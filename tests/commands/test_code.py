"""`fusiongraph code` as a program, its brain a scripted model behind a real socket (`_coding`, `_brains`): in a pipe,
as JSON lines, with a plan, with approval, interactive, interrupted, taken up again, with a council."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fusion_graph.messages import Call, Completion
from fusion_graph.providers._sim_server import SimServer, start
from fusion_graph.tools._sandbox import find_sandbox
from tests.agent.engineer import APP, PLAN, RIGHT, TASK, engineer, git, make_project, use
from tests.commands.conftest import Done
from tests.commands.terminal import Terminal

pytestmark = pytest.mark.skipif(find_sandbox() is None, reason="no sandbox here")
READY = "\x1b[?2004h"
SHOP = [sys.executable, str(Path(__file__).parents[1] / "tools" / "mcp_shop.py")]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


class Bench:
    """A running model and what a program needs to use it."""

    def __init__(self, server: SimServer, project: Path, home: Path) -> None:
        self.server = server
        self.arguments = ("code", "--root", str(project), "--model", "sim/engineer")
        self.variables = {
            "FUSION_BACKEND": "default",
            "FUSION_BASE_URL": server.url,
            "FUSION_HOME": str(home),
            "PROMPT_TOOLKIT_NO_CPR": "1",
        }


def on_bench(project: Path, work: Callable[[Bench], Any], script: dict[str, Any] | None = None) -> Any:
    """Run `work` in a thread while the model answers."""

    async def scene() -> Any:
        server = await start(script=script or {"sim/engineer": engineer})
        try:
            return await asyncio.to_thread(work, Bench(server, project, project.parent / "home"))
        finally:
            await server.aclose()

    return asyncio.run(scene())


def run(program: Callable[..., subprocess.Popen[str]], bench: Bench, *more: str) -> Done:
    process = program(*bench.arguments, *more, **bench.variables)
    out, err = process.communicate(timeout=60)
    return Done(process.returncode, out, err)


Program = Callable[..., "subprocess.Popen[str]"]
Start = Callable[..., Terminal]


def test_a_task_in_a_pipe(program: Program, project: Path) -> None:
    done = on_bench(project, lambda bench: run(program, bench, TASK))
    assert (done.code, "Traceback" in done.err) == (0, False), done
    assert (project / "app.py").read_text() == APP + "\n\n" + RIGHT
    assert "Added version() and its test." in done.out
    assert "step 6:" in done.out
    assert "session 2" in done.out


def test_json_lines_and_nothing_else(program: Program, project: Path) -> None:
    done = on_bench(project, lambda bench: run(program, bench, TASK, "--json", "--plan"))
    events = [json.loads(line) for line in done.out.splitlines()]
    assert events[0]["event"] == "Began"
    assert {"Planned", "Used", "Gave", "Stepped", "Ended"} <= {event["event"] for event in events}
    assert next(event["text"] for event in events if event["event"] == "Planned") == PLAN
    assert (events[-1]["event"], events[-1]["state"]) == ("Ended", "finished")


def test_a_bound_has_its_exit_code_and_the_session_goes_on(program: Program, project: Path) -> None:
    def work(bench: Bench) -> tuple[Done, Done]:
        return run(program, bench, TASK, "--max-steps", "2"), run(program, bench, "--resume", "last")

    first, second = on_bench(project, work)
    assert (first.code, "2 steps were not enough" in first.out) == (4, True)
    assert (second.code, "Added version()" in second.out) == (0, True), second
    assert (project / "app.py").read_text() == APP + "\n\n" + RIGHT


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--approve", "x"), "--approve needs a terminal"),
        ((), "the prompt is empty; fusiongraph code"),
        (("",), "the prompt is empty; fusiongraph code"),
        (("x", "--json", "--approve"), "--approve needs a terminal to ask on; no pipes, and no --json"),
        (("x", "--model", "budgett"), "there is no preset budgett; did you mean budget"),
        (("x", "--model", "two words"), "'two words' is no model; vendor/name"),
        (("x", "--allow-tools", "bash"), "only tools of MCP servers are allowed so"),
        (("x", "--allow-tools", "mcp:gone"), "there is no MCP server gone"),
        (("x", "--root", "/nowhere"), "cannot be opened"),
        (("x", "--root", "/"), "no folder to work in"),
        (("x", "--resume", "nope"), "there is no session nope"),
        (("x", "--model", "nope.yaml"), "there is no file nope.yaml"),
        (("x", "--council", "nope"), "there is no preset 'nope'"),
    ],
)
def test_wrong_usage(program: Program, project: Path, more: tuple[str, ...], told: str) -> None:
    process = program("code", "--root", project, *more, FUSION_HOME=str(project.parent / "home"))
    _out, err = process.communicate(timeout=60)
    assert (process.returncode, told in err, "Traceback" in err) == (2, True, False), err


def test_without_a_repository_there_is_no_checkpoint(program: Program, tmp_path: Path) -> None:
    process = program("code", "x", "--checkpoint", "--root", tmp_path, FUSION_HOME=str(tmp_path / "home"))
    _out, err = process.communicate(timeout=60)
    assert (process.returncode, "in no git repository" in err) == (2, True), err


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
        screen.type("/exit\r")
        assert screen.finish() == 0
        return screen

    screen = on_bench(project, work)
    assert (project / "app.py").read_text() == APP
    assert (project / "notes.txt").read_text() == "not committed\n"
    assert git(project, "status", "--short") == "?? notes.txt"
    assert "Traceback" not in screen.text


def test_ctrl_c_stops_a_step_and_leaves_nothing_running(terminal: Start, project: Path) -> None:
    def sleeper(call: Call) -> Completion:
        return engineer(call) if any(m.role == "tool" for m in call.messages) else use("bash", command="sleep 1000")

    def work(bench: Bench) -> Terminal:
        screen = terminal(*bench.arguments, **bench.variables)
        screen.wait_for(READY)
        screen.type(f"{TASK}\r")
        screen.wait_for("$ sleep 1000")
        screen.signal(signal.SIGINT)
        screen.wait_for("stopped; say how to go on")
        screen.type("go on\r")
        screen.wait_for("Added version() and its test.")
        screen.type("/exit\r")
        assert screen.finish() == 0
        return screen

    screen = on_bench(project, work, {"sim/engineer": sleeper})
    assert "Traceback" not in screen.text
    assert (project / "app.py").read_text() == APP + "\n\n" + RIGHT


@pytest.mark.parametrize("how", [(signal.SIGTERM,), (signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGTERM)])
def test_however_it_ends_the_terminal_echoes_again(
    terminal: Start, project: Path, how: tuple[signal.Signals, ...]
) -> None:
    def sleeper(_call: Call) -> Completion:
        return use("bash", command="sleep 1000")

    def work(bench: Bench) -> Terminal:
        screen = terminal(*bench.arguments, TASK, **bench.variables)
        screen.wait_for("$ sleep 1000  ")
        assert not screen.echoes
        for number in how:
            screen.signal(number)
        assert screen.finish() in (130, 143)
        return screen

    assert on_bench(project, work, {"sim/engineer": sleeper}).echoes


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


def test_the_task_may_come_through_a_pipe(program: Program, project: Path) -> None:
    def work(bench: Bench) -> Done:
        process = program(*bench.arguments, **bench.variables)
        out, err = process.communicate(TASK, timeout=60)
        return Done(process.returncode, out, err)

    done = on_bench(project, work)
    assert (done.code, "Added version()" in done.out) == (0, True), done
    assert not any(line.endswith(" ") for line in done.out.splitlines())


def test_what_one_task_changed_is_put_back_when_its_session_goes_on(
    program: Program, terminal: Start, project: Path
) -> None:
    def work(bench: Bench) -> Done:
        done = run(program, bench, TASK, "--checkpoint")
        screen = terminal(*bench.arguments, "--resume", "last", **bench.variables)
        screen.wait_for(READY)
        screen.type("/undo\r")
        screen.wait_for("put back: app.py, test_app.py")
        screen.type("/exit\r")
        assert screen.finish() == 0
        return done

    done = on_bench(project, work)
    assert "and /undo put back what was changed" in done.err
    assert (project / "app.py").read_text() == APP


def test_a_budget_that_pays_for_no_reply_is_said_before_anything_is_spent(program: Program, project: Path) -> None:
    def work(bench: Bench) -> tuple[Done, Done, int]:
        prices = project.parent / "prices.json"
        prices.write_text('{"models": {"sim/engineer": [3, 15]}}')
        unknown = run(program, bench, TASK, "--budget-usd", "1")
        small = run(program, bench, TASK, "--budget-usd", "0.0001", "--prices", str(prices))
        return unknown, small, len(bench.server.received)

    unknown, small, asked = on_bench(project, work)
    assert (unknown.code, "the price of sim/engineer is unknown" in unknown.out) == (4, True), unknown
    assert (small.code, "is too small for one call" in small.out) == (4, True), small
    assert asked == 0


def test_a_brain_that_fails_is_told_in_one_line(program: Program, project: Path) -> None:
    done = on_bench(project, lambda bench: run(program, bench, TASK, "--model", "sim/fault-401"))
    assert done.code == 1
    assert "failed: sim/fault-401: the upstream refused the key (status 401)\n" in done.out
    assert "goes on" in done.err


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


def test_a_council_is_convened_and_its_cost_is_shown(program: Program, project: Path, tmp_path: Path) -> None:
    council = tmp_path / "council.yaml"
    council.write_text(
        "version: 1\nname: wise\nnodes:\n  panel: {kind: layer, models: [sim/a, sim/b]}\n"
        "  answer: {kind: synth, model: sim/c, inputs: [panel]}\noutput: answer\n"
    )

    def asks(call: Call) -> Completion:
        results = [m for m in call.messages if m.role == "tool"]
        if not results:
            return use("council", question="Which way?")
        return use("finish", 1, summary=results[0].text, verified="the council said so")

    def work(bench: Bench) -> Done:
        return run(program, bench, TASK, "--council", str(council), "--json")

    script = {"sim/engineer": asks, "sim/a": "left", "sim/b": "right", "sim/c": "straight on"}
    done = on_bench(project, work, script)
    told = next(json.loads(line) for line in done.out.splitlines() if '"Gave"' in line)
    assert told["text"].startswith("straight on\n[council wise: ok in ")
    assert "3 calls" in told["text"]


def test_a_pipeline_may_be_the_brain(program: Program, project: Path, tmp_path: Path) -> None:
    brain = tmp_path / "brain.yaml"
    brain.write_text(
        "version: 1\nname: minds\nnodes:\n  panel: {kind: layer, models: [sim/a, sim/b]}\n"
        "  answer: {kind: synth, model: sim/engineer, inputs: [panel]}\noutput: answer\n"
    )
    script = {"sim/engineer": engineer, "sim/a": "look", "sim/b": "think"}
    done = on_bench(project, lambda bench: run(program, bench, TASK, "--model", str(brain)), script)
    assert done.code == 0, done
    assert (project / "app.py").read_text() == APP + "\n\n" + RIGHT
