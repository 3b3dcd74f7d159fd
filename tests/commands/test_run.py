"""`fusiongraph run` from end to end on simulated models: the answer, where it goes, and how a run may end."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Done
from tests.commands.terminal import Terminal

Cli = Callable[..., Done]
QUESTION = "What is 6 times 7?"


def write(folder: Path, **models: str) -> Path:
    """Two drafts, a judge, a writer, a fallback; a role may be given another model."""
    chosen = {"a": "a/x@sim", "b": "b/y@sim", "judge": "c/z@sim", "synth": "d/w@sim"} | models
    file = folder / "p.yaml"
    once = "retry: {attempts: 1}"
    file.write_text(
        f"version: 1\nname: p\ndefaults: {{{once}}}\nnodes:\n"
        f"  panel: {{kind: layer, models: [{{model: {chosen['a']}, key: a}}, {{model: {chosen['b']}, key: b}}]}}\n"
        f"  verdict: {{kind: judge, model: {chosen['judge']}, inputs: [panel]}}\n"
        f"  answer: {{kind: synth, model: {chosen['synth']}, inputs: [panel, verdict?]}}\n"
        "  final: {kind: fallback, inputs: [answer, panel]}\noutput: final\n"
    )
    return file


def test_a_pipe_gets_the_answer_and_nothing_else(cli: Cli) -> None:
    done = cli("run", "budget", QUESTION)
    told = done.err.splitlines()
    assert (done.code, told[0]) == (0, "backend: sim, simulated (FUSION_BACKEND is set)")
    assert re.fullmatch(r"ok in 0\.\d s, 5 calls, [\d.]+k tokens, \$0, simulated", told[1])
    assert "42" in done.out
    assert done.out.endswith("\n")


@pytest.mark.parametrize("flag", [(), ("--no-stream",)])
def test_streamed_or_not_the_answer_is_the_same(cli: Cli, flag: tuple[str, ...]) -> None:
    assert cli("run", "budget", QUESTION, *flag).out == cli("run", "budget", QUESTION).out


def test_the_prompt_may_come_from_a_pipe_or_a_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text(QUESTION)
    answers = {
        cli("run", "budget", QUESTION).out,
        cli("run", "budget", stdin=QUESTION.encode()).out,
        cli("run", "budget", "-", stdin=QUESTION.encode()).out,
        cli("run", "budget", "-f", tmp_path / "q.txt").out,
    }
    assert len(answers) == 1


def test_json_is_one_document(cli: Cli) -> None:
    done = cli("run", "budget", QUESTION, "--json")
    told = json.loads(done.out)
    assert done.code == 0
    assert (told["pipeline"], told["state"], told["simulated"], told["cost_usd"]) == ("budget", "ok", True, 0.0)
    assert "42" in told["answer"]
    assert len(told["drafts"]) == 4
    assert told["analysis"]["consensus"]
    assert told["backends"] == [{"name": "sim", "why": "FUSION_BACKEND is set", "simulated": True}]
    assert told["renamed_models"] == {}
    assert {"nodes", "usage", "cost_breakdown", "timing_s", "degraded", "run_id", "error"} <= told.keys()


def test_a_failed_run_is_a_document_too(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path, a="sim/fault-401@sim", b="sim/fault-400@sim")
    done = cli("run", file, QUESTION, "--json")
    told = json.loads(done.out)
    assert (done.code, told["answer"], told["state"]) == (1, None, "failed")
    assert "no node gave a usable answer" in told["error"]["message"]


def test_each_degradation_is_a_line_on_stderr(cli: Cli, tmp_path: Path) -> None:
    done = cli("run", write(tmp_path, judge="sim/fault-400@sim"), QUESTION)
    lines = done.err.splitlines()
    assert done.code == 0
    assert len(lines) == 3
    assert lines[1].startswith("degraded: verdict: bad_request (")
    assert lines[1].endswith("answer went on without it")
    assert lines[2].endswith("simulated: verdict bad_request")


def test_strict_makes_degraded_an_exit_code(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path, judge="sim/fault-400@sim")
    assert cli("run", file, QUESTION, "--strict").code == 3
    assert cli("run", "budget", QUESTION, "--strict").code == 0


def test_every_member_tells_its_own_error(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path, a="sim/fault-401@sim", b="sim/fault-400@sim")
    done = cli("run", file, QUESTION)
    assert (done.code, done.out) == (1, "")
    assert "error: no node gave a usable answer\n" in done.err
    assert "\n  panel/a: " in done.err
    assert "\n  panel/b: " in done.err
    assert "fusiongraph doctor" in done.err
    assert "degraded:" not in done.err


def test_a_budget_too_small_is_refused_before_spending(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("FUSION_BACKEND", "default")
    done = cli("run", "budget", QUESTION, "--budget-usd", "0.01")
    assert (done.code, done.out) == (2, "")
    assert "too small for one call of the final writer" in done.err


def test_a_deadline_ends_with_what_is_there(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path, b="sim/slow@sim")
    done = cli("run", file, QUESTION, "--deadline-s", "0.4")
    assert done.code == 0
    assert "degraded: panel/b: deadline" in done.err


def test_a_deadline_without_an_answer_is_4(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path, a="sim/slow@sim", b="sim/slow@sim")
    done = cli("run", file, QUESTION, "--deadline-s", "0.2")
    assert (done.code, done.out) == (4, "")
    assert "no answer before the deadline" in done.err


def test_a_missing_key_is_refused_at_once(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_BASE_URL", "https://openrouter.ai/api/v1")
    monkeypatch.setenv("FUSION_BACKEND", "default")
    done = cli("run", "budget", QUESTION)
    assert (done.code, done.out) == (2, "")
    assert "FUSION_API_KEY or OPENROUTER_API_KEY or OPENAI_API_KEY is not set" in done.err


def test_the_trace_has_every_event(cli: Cli, tmp_path: Path) -> None:
    cli("run", "budget", QUESTION, "--trace", tmp_path / "t.jsonl")
    events = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert events[0]["event"] == "RunStarted"
    assert events[-1]["event"] == "RunFinished"
    sent = [event["request"]["messages"][-1]["content"] for event in events if event["event"] == "CallStarted"]
    assert sent[:3] == [QUESTION] * 3


def test_an_unwritable_trace_is_told_before_the_run(cli: Cli) -> None:
    done = cli("run", "budget", QUESTION, "--trace", "no/such/folder/t")
    assert (done.code, done.out) == (2, "")
    assert "the trace file no/such/folder/t cannot be written" in done.err


def test_the_seed_is_the_runs(cli: Cli) -> None:
    told = json.loads(cli("run", "budget", QUESTION, "--json", "--seed", "7").out)
    again = json.loads(cli("run", "budget", QUESTION, "--json", "--seed", "7").out)
    assert told["answer"] == again["answer"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("budgte", "hi"), "did you mean budget"),
        (("missing.yaml", "hi"), "there is no file missing.yaml"),
        ((".", "hi"), "is a folder"),
        (("budget", ""), "the prompt is empty"),
        (("budget",), "the prompt is empty"),
        (("budget", "-f", "none.txt"), "none.txt cannot be read"),
        (("budget", "hi", "--deadline-s", "0"), "--deadline-s"),
        (("budget", "hi", "--prices", "none.json"), "none.json cannot be read: No such file"),
    ],
)
def test_bad_input_is_one_clear_line(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    done = cli("run", *arguments)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_on_a_terminal_the_tree_then_the_answer(terminal: Callable[..., Terminal]) -> None:
    screen = terminal("run", "local", QUESTION, "-p", "model=sim/fast@sim")
    assert screen.finish() == 0
    begin, answer = screen.text.index("panel"), screen.text.rindex("Answer: ")
    assert begin < answer < screen.text.index("\nok in ")
    assert "writing" in screen.text
    assert "simulated" in screen.text.splitlines()[-1]


def test_a_closed_pipe_ends_the_run_quietly(environment: dict[str, str]) -> None:
    """As `| head` does: the reader goes, the run is cancelled, nothing is printed about it."""
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "fusion_graph", "run", "budget", "hello"]
    with subprocess.Popen(command, env=environment, stdout=writer, stderr=subprocess.PIPE, text=True) as process:
        os.close(writer)
        os.close(reader)
        _out, err = process.communicate(timeout=60)
    assert process.returncode == 141
    assert err.count("\n") == 1


def test_a_pipeline_may_not_use_tools_of_this_machine_without_a_word(cli: Callable[..., Done], tmp_path: Path) -> None:
    file = tmp_path / "tooled.yaml"
    file.write_text(
        "version: 1\nname: tooled\nnodes: {only: {kind: proposer, model: a/x, tools: [read_file]}}\noutput: only\n"
    )
    refused = cli("run", file, "hello")
    assert (refused.code, refused.out) == (2, "")
    assert "asks for the tool read_file, which is not allowed here; --allow-tools read_file allows it" in refused.err
    allowed = cli("run", file, "hello", "--allow-tools", "read_file", "--root", tmp_path)
    assert allowed.code == 0
    assert cli("run", file, "hello", "--allow-tools", "reed_file").code == 2
