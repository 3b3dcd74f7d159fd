"""`fusiongraph eval`: the table in a dry run, marked line by line; live runs that resume; usage that is refused."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fusion_graph import settings
from fusion_graph.store.journal import FILE
from tests.commands.conftest import Done

MARK = "simulated | "


def test_ab_prints_the_table(cli: Callable[..., Done]) -> None:
    done = cli("eval", "--ab", "--dry-run")
    assert done.code == 0
    for name in ("google/gemini-3-flash (solo)", "panel", "panel+refine"):
        assert any(line.startswith(f"{MARK}{name} ") for line in done.out.splitlines())
    assert "\u2588" * 5 in done.out or "#####" in done.out  # as the screen takes it
    assert "vs best solo" in done.out


def test_every_line_of_a_dry_run_is_marked(cli: Callable[..., Done], tmp_path: Path) -> None:
    done = cli(
        "eval", "--ab", "--dry-run", "--compute-matched", "--html", tmp_path / "p.html", "--plots", tmp_path / "d"
    )
    assert [line for line in (done.out + done.err).splitlines() if not line.startswith(MARK)] == []
    assert "Simulated" in (tmp_path / "p.html").read_text("utf-8")
    assert {path.name for path in (tmp_path / "d").iterdir()} == {"cost.svg", "cost.png", "time.svg", "time.png"}
    assert "self-fusion" in done.out


def test_a_dry_run_is_the_same_again(cli: Callable[..., Done]) -> None:
    first = cli("eval", "--ab", "--dry-run", "--limit", 3, "--runs", 2)
    assert first == cli("eval", "--ab", "--dry-run", "--limit", 3, "--runs", 2)


def test_json_is_one_document(cli: Callable[..., Done]) -> None:
    found = json.loads(cli("eval", "--dry-run", "--limit", 2, "--json").out)
    assert found["simulated"] is True
    assert [arm["arm"] for arm in found["arms"]] == ["budget"]


def test_arms_are_compared_on_exact_answers(cli: Callable[..., Done]) -> None:
    done = cli("eval", "--arms", "self-consistency", "self-moa", "--dry-run", "--tasks", "sums", "--limit", 20)
    assert done.code == 0
    assert "protocol  exact" in done.out
    assert "answer against its best draft" in done.out


def test_baselines_cost_about_as_much(cli: Callable[..., Done]) -> None:
    line = ("eval", "moa-layers", "--ab", "--dry-run", "--tasks", "sums", "--limit", 6, "--compute-matched", "--json")
    arms = {arm["arm"]: arm for arm in json.loads(cli(*line).out)["arms"]}
    made = [arm for arm in arms.values() if arm["role"] == "baseline"]
    assert [arm["arm"].split("(")[1] for arm in made] == ["vote)", "self-fusion)"]
    assert all(arm["cost_usd"] < 2 * arms["moa-layers"]["cost_usd"] for arm in made)


def test_runs_of_a_live_eval_are_timed_too(cli: Callable[..., Done]) -> None:
    found = json.loads(cli("eval", "--tasks", "sums", "--limit", 2, "--runs", 2, "--json").out)
    assert found["arms"][0]["runs"] == 4


def test_a_live_eval_is_resumed_without_a_call(cli: Callable[..., Done]) -> None:
    first = cli("eval", "--ab", "--tasks", "sums", "--limit", 3)
    assert first.code == 0
    for more in ((), ("--tasks", "sums")):  # what is not said again is as it was
        again = cli("eval", "--resume", "last", *more)
        assert first.out.split("prices")[0] == again.out.split("prices")[0]
        assert "0 calls made now" in again.err
    other = cli("eval", "self-consistency", "--resume", "last")
    assert "self-consistency" in other.out
    assert "0 calls made now" not in other.err
    assert first.out.startswith(MARK)  # the backend is simulated, so it is marked too


def test_a_live_judge_is_tested_first(cli: Callable[..., Done]) -> None:
    done = cli("eval", "--limit", 1)
    assert done.code == 2
    assert "judge self-test failed" in done.err
    assert "--force-judge" in done.err
    forced = cli("eval", "--limit", 1, "--force-judge", "--passes", 1)
    assert forced.code == 0
    assert "self-test  judge self-test failed" in forced.out


def test_a_budget_ends_it_with_its_own_code(cli: Callable[..., Done]) -> None:
    done = cli("eval", "--dry-run", "--budget-usd", 0.01)
    assert done.code == 4
    assert "the budget ended this eval" in done.out


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (("budget", "frontier"), "--arms"),
        (("--arms", "budget"), "two or more"),
        (("--arms", "--ab", "budget", "frontier"), "do not go together"),
        (("--tasks", "sampel"), "did you mean sample?"),
        (("nosuch",), "no preset"),
        (("--protocol", "exact"), "tasks with an answer"),
        (("--html", "/nowhere/p.html", "--dry-run"), "cannot be written"),
        (("-p", "nosuch=1", "--dry-run"), "nosuch"),
        (("--runs", "0"), "--runs"),
        (("--resume", "nope"), "there is no journal yet"),
    ],
)
def test_wrong_usage_is_told(cli: Callable[..., Done], line: tuple[str, ...], told: str) -> None:
    done = cli("eval", *line)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


def test_a_broken_task_file_shows_the_place(cli: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("- {id: a, prompt: p, criteria: [{weight: x, requirement: r}]}\n")
    done = cli("eval", "--tasks", tmp_path / "t.yaml", "--dry-run")
    assert done.code == 2
    assert "t.yaml:1:42: FG602" in done.err


def test_an_interrupted_eval_says_how_to_go_on(
    program: Callable[..., subprocess.Popen[str]], cli: Callable[..., Done], slow: Path
) -> None:
    process = program("eval", slow, "--tasks", "sums", "--limit", 2)
    assert process.stderr is not None
    (name,) = re.findall(r"; eval ([0-9a-f]{16})$", process.stderr.readline())
    listed: list[dict[str, object]] = []
    while not (listed and listed[0]["attempts"]):  # something is under way
        assert process.poll() is None
        told = cli("runs", "list", "--json")
        listed = json.loads(told.out) if told.code == 0 and told.out else []
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert f"--resume {name}" in process.stderr.read()
    (line,) = json.loads(cli("runs", "list", "--json").out)
    assert (line["id"], line["state"]) == (name, "stopped")


def test_an_eval_is_one_line_among_runs(cli: Callable[..., Done]) -> None:
    cli("eval", "--tasks", "sums", "--limit", 2)
    (line,) = json.loads(cli("runs", "list", "--json").out)
    assert (line["command"], line["pipeline"], line["runs"], line["state"]) == ("eval", "budget on sums", 2, "ok")
    apart = json.loads(cli("runs", "list", "--all", "--json").out)
    assert [one["series"] for one in apart] == [line["id"]] * 2
    assert json.loads(cli("runs", "list", "--of", "last", "--json").out) == apart
    shown = cli("runs", "show", "last").out
    assert f"eval {line['id']}: budget on sums" in shown
    assert all(one["id"] in shown for one in apart)
    assert apart[0]["pipeline"] in cli("runs", "show", apart[0]["id"]).out


def test_what_cannot_go_on_is_told(cli: Callable[..., Done]) -> None:
    cli("eval", "--tasks", "sums", "--limit", 1, "--dry-run", "--journal")
    for line, told in (
        (("eval", "--resume", "nope"), "there is no eval nope"),
        (("eval", "--resume", "last", "--no-journal"), "exclude each other"),
        (("tune", "sums", "--space", "x", "--resume", "last"), "the space x cannot be read"),
    ):
        done = cli(*line)
        assert (done.code, told in done.err) == (2, True), done.err
    again = cli("eval", "--resume", "last")  # a dry run stays one
    assert (again.code, "0 calls made now" in again.err) == (0, True)


def test_what_nobody_wants_kept_is_not(cli: Callable[..., Done]) -> None:
    done = cli("eval", "--tasks", "sums", "--limit", 1, "--no-journal")
    assert (done.code, "journal: off" in done.err) == (0, True)
    cli("eval", "--tasks", "sums", "--limit", 1, "--dry-run")
    assert cli("runs").code == 2  # no journal yet


def test_a_journal_that_cannot_be_written_costs_no_eval(cli: Callable[..., Done]) -> None:
    home = settings.load().home
    home.mkdir(parents=True, exist_ok=True)
    (home / FILE).write_bytes(b"no database, but long enough to be looked at as one" * 200)
    done = cli("eval", "--tasks", "sums", "--limit", 1)
    assert (done.code, "journal: off (runs.db: " in done.err) == (0, True)
