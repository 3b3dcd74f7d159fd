"""`fusiongraph code` as a program, its brain a scripted model behind a real socket (`_code.coding`, `_code.brains`):
in a pipe, as JSON lines, with a plan, taken up again, with a council, with bounds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fusion_graph.messages import Call, Completion
from fusion_graph.tools._sandbox.levels import find_sandbox
from tests.agent.engineer import APP, PLAN, RIGHT, TASK, engineer, make_project, use
from tests.commands.bench import Bench, Program, on_bench, run
from tests.commands.conftest import Done

pytestmark = pytest.mark.skipif(find_sandbox() is None, reason="no sandbox here")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


def test_a_task_in_a_pipe(program: Program, project: Path) -> None:
    done = on_bench(project, lambda bench: run(program, bench, TASK))
    assert (done.code, "Traceback" in done.err) == (0, False), done
    assert (project / "app.py").read_text() == APP + "\n\n" + RIGHT
    assert "Added version() and its test." in done.out
    assert "step 6:" in done.out
    assert "session " in done.out


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


def test_the_task_may_come_through_a_pipe(program: Program, project: Path) -> None:
    def work(bench: Bench) -> Done:
        process = program(*bench.arguments, **bench.variables)
        out, err = process.communicate(TASK, timeout=60)
        return Done(process.returncode, out, err)

    done = on_bench(project, work)
    assert (done.code, "Added version()" in done.out) == (0, True), done
    assert not any(line.endswith(" ") for line in done.out.splitlines())


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
