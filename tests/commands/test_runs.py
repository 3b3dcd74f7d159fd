"""`fusiongraph runs`, and going on with one, as a user types it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fusion_graph import settings
from fusion_graph.commands._journal import Notebook, find_past
from fusion_graph.commands._run.resuming import Given, begun
from fusion_graph.commands._runs.histories import table
from fusion_graph.errors import UsageError
from fusion_graph.store.database import Schema, connect, migrate
from fusion_graph.store.journal import FILE
from fusion_graph.store.listing import RunLine
from fusion_graph.store.tables import JOURNAL
from tests.commands.conftest import Done

Cli = Callable[..., Done]
SMALL = """
version: 1
name: small
params: {tone: {type: string, default: calm}}
nodes:
  panel: {kind: layer, models: [sim/alpha@sim, sim/beta@sim]}
  answer: {kind: synth, model: sim/gamma@sim, system: 'Be {{params.tone}}.', inputs: [panel]}
output: answer
"""
BROKEN = SMALL.replace("sim/gamma@sim,", "sim/fault-400@sim,")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL)
    return file


def run(cli: Cli, *arguments: object) -> dict[str, Any]:
    done = cli("run", *arguments, "--json")
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_list_is_empty_before_the_first_run(cli: Cli) -> None:
    done = cli("runs")
    assert (done.code, "no journal yet" in done.err) == (2, True)


def test_runs_are_listed_and_shown(cli: Cli, small: Path) -> None:
    told = run(cli, small, "Why?")
    assert told["journal"] == {"state": "on"}
    listed = cli("runs")
    assert (listed.code, told["run_id"] in listed.out, "small" in listed.out) == (0, True, True)
    (line,) = json.loads(cli("runs", "list", "--json").out)
    assert (line["id"], line["attempts"], line["state"]) == (told["run_id"], 3, "ok")
    shown = cli("runs", "show", "last").out
    assert "panel/alpha" in shown
    assert re.search(r"answer\s+ *[-=]+", shown)
    assert "3 attempts" in shown


def test_export_is_one_document_with_every_reply(cli: Cli, small: Path) -> None:
    told = run(cli, small, "Why?")
    exported = json.loads(cli("runs", "export", told["run_id"][:6]).out)
    assert exported["result"]["answer"] == told["answer"]
    assert all(attempt["reply"]["text"] for attempt in exported["attempts"])
    assert exported["messages"][0]["content"] == "Why?"


def test_diff_names_what_changed(cli: Cli, small: Path) -> None:
    one = run(cli, small, "Why?")["run_id"]
    two = run(cli, small, "-p", "tone=merry", "Why?")["run_id"]
    lines = cli("runs", "diff", one, two).out
    assert "params.tone: 'calm' -> 'merry'" in lines
    assert "answer: was sent something else" in lines
    assert "panel/alpha" not in lines


def test_failed_run_goes_on_with_a_mended_file(cli: Cli, small: Path) -> None:
    small.write_text(BROKEN)
    failed = cli("run", small, "Why?", "--json")
    assert failed.code == 1
    small.write_text(SMALL)
    done = cli("run", small, "--resume", "last", "--json")
    told = json.loads(done.out)
    assert (done.code, told["run_id"]) == (0, json.loads(failed.out)["run_id"])
    assert {node["id"]: node["state"] for node in told["nodes"]} == {
        "panel/alpha": "replayed", "panel/beta": "replayed", "panel": "replayed", "answer": "ok"
    }  # fmt: skip
    assert "2 nodes replayed" in done.err
    assert "to run: answer: at most 1 call" in done.err
    assert len(json.loads(cli("runs", "list", "--json").out)) == 1


def test_finished_run_resumes_for_nothing(cli: Cli, small: Path) -> None:
    answer = run(cli, small, "Why?")["answer"]
    done = cli("runs", "resume", "last")
    assert (done.code, done.out.strip()) == (0, answer)
    assert "to run: nothing" in done.err


def test_another_backend_runs_all_anew_and_says_so(
    cli: Cli, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was answered here is no answer from there."""
    small.write_text(SMALL.replace("@sim", ""))
    run(cli, small, "Why?")
    (tmp_path / "other.toml").write_text('[backends.down]\nbase_url = "http://127.0.0.1:9/v1"\nfree = true\n')
    monkeypatch.setenv("FUSION_CONFIG", str(tmp_path / "other.toml"))
    monkeypatch.setenv("FUSION_BACKEND", "down")
    done = cli("run", small, "-p", "tone=calm", "--resume", "last", "--deadline-s", "0.2")
    assert "0 nodes replayed" in done.err
    assert "to run: panel/alpha, panel/beta, answer" in done.err


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (("run", "--resume", "zz"), "is no run"),
        (("run", "--resume", "last", "-f", "x"), "keeps its prompt"),
        (("run",), "there is no pipeline"),
        (("runs", "show", "zz"), "is no run"),
        (("runs", "diff", "last", "zz"), "is no run"),
    ],
)
def test_mistakes_are_told(line: tuple[str, ...], why: str, cli: Cli, small: Path) -> None:
    run(cli, small, "Why?")
    done = cli(*line)
    assert (done.code, why in done.err) == (2, True)


def test_prune_forgets(cli: Cli, small: Path) -> None:
    run(cli, small, "Why?")
    assert cli("runs", "prune").out == "0 runs forgotten\n"
    assert cli("runs", "prune", "--days", "0").out == "1 run forgotten\n"
    assert "no runs yet" in cli("runs").err


def test_nothing_is_kept_if_nobody_wants_it(cli: Cli, small: Path) -> None:
    assert run(cli, small, "--no-journal", "Why?")["journal"] == {"state": "not kept"}
    assert not (settings.load().home / FILE).exists()
    cli("ask", "--config", small, "Why?")
    assert not (settings.load().home / FILE).exists()
    cli("ask", "--config", small, "--journal", "Why?")
    assert len(json.loads(cli("runs", "list", "--json").out)) == 1


def test_journal_that_cannot_be_written_is_told_and_costs_nothing(cli: Cli, small: Path) -> None:
    home = settings.load().home
    home.mkdir(parents=True, exist_ok=True)
    (home / FILE).write_bytes(b"no database" * 1_000)
    done = cli("run", small, "Why?")
    assert (done.code, bool(done.out.strip())) == (0, True)
    assert "journal: off (runs.db: file is not a database)" in done.err
    assert run(cli, small, "Why?")["journal"]["state"] == "off"
    looked = cli("runs")
    assert (looked.code, "move it away" in looked.err) == (2, True)
    pruned = cli("runs", "prune")
    assert (pruned.code, "move it away" in pruned.err) == (2, True)


def test_what_is_no_file_is_told(cli: Cli) -> None:
    path = settings.load().home / FILE
    path.mkdir(parents=True)
    for line in (("runs",), ("runs", "prune")):
        done = cli(*line)
        assert (done.code, f"{path} cannot be used" in done.err) == (2, True)


def test_prune_counts_what_a_series_held(cli: Cli, small: Path, tmp_path: Path) -> None:
    cli("code", "--root", str(tmp_path), "hello")
    cli("chat", "--config", small, "--journal", stdin=b"one\ntwo\n")
    run(cli, small, "Why?")
    rows = cli("runs").out.splitlines()[1:]
    assert [row.split()[1:4] for row in rows[1:]] == [["chat,", "2", "runs"], ["code,", "2", "runs"]]
    told = "5 runs forgotten, 4 of them of 1 conversation and 1 session\n"
    assert cli("runs", "prune", "--days", "0").out == told


def test_prune_brings_an_old_journal_forward(cli: Cli) -> None:
    path = settings.load().home / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(connect(path)) as connection:
        migrate(connection, Schema("journal", JOURNAL.steps[:1]), path)
    assert (cli("runs", "prune").code, cli("runs", "prune", "--days", "0").out) == (0, "0 runs forgotten\n")


def test_a_run_of_a_session_goes_on_with_the_session(cli: Cli, tmp_path: Path) -> None:
    """Its calls are not those of a run by itself: they would be bought again, in the session's name."""
    cli("code", "--root", str(tmp_path), "hello")
    (session,) = json.loads(cli("runs", "list", "--json").out)
    for one in json.loads(cli("runs", "list", "--of", session["id"], "--json").out):
        done = cli("run", "--resume", one["id"])
        assert (done.code, f"`fusiongraph code --resume {session['id']}` goes on with it" in done.err) == (2, True)
    assert json.loads(cli("runs", "list", "--json").out) == [session]


def test_cache_is_taken_only_if_asked_for(cli: Cli, small: Path) -> None:
    run(cli, small, "--cache", "Why?")
    assert {node["state"] for node in run(cli, small, "Why?")["nodes"]} == {"ok"}
    again = run(cli, small, "--cache", "Why?")
    assert {node["state"] for node in again["nodes"] if node["model"]} == {"cached"}
    assert again["cost_usd"] == 0


def test_money_is_split_into_useful_and_wasted(cli: Cli, small: Path) -> None:
    small.write_text(SMALL.replace("sim/beta@sim]", "sim/fault-400@sim]"))
    name = run(cli, small, "Why?")["run_id"]
    assert "useful, $0" in cli("runs", "show", name).out
    assert find_past(settings.load(), name[:5]).id == name


def test_run_without_a_journal_is_not_off() -> None:
    assert Notebook(run_id="a", fence="b").off == ""
    with pytest.raises(UsageError, match="no pipeline"):
        begun(Given(None, "Why?", None, {}, None))


def test_a_long_title_is_cut_in_the_table() -> None:
    line = RunLine(
        id="a", pipeline="why " * 20, command="code", state="ok", reason="", began=0.0, seconds=1.0, tries=1,
        attempts=3, tokens=5, cost_usd=0.0, runs=1, is_run=False,
    )  # fmt: skip
    (_, row) = table([line]).splitlines()
    assert "code, 1 run " in row
    assert "why w..." in row
    assert len(row) < 120


def test_a_run_that_used_tools_shows_and_exports_them(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("found it")
    file = tmp_path / "reader.yaml"
    file.write_text(
        "version: 1\nname: reader\nnodes: {a: {kind: proposer, model: sim/a@sim, tools: [read_file]}}\noutput: a\n"
    )
    line = ("run", file, 'sim: call read_file {"path": "note.txt"}', "--allow-tools", "read_file", "--root", tmp_path)
    assert cli(*line).code == 0
    (used,) = json.loads(cli("runs", "export", "last").out)["tools"]
    assert (used["node"], used["tool"], used["state"], "found it" in used["answer"]) == ("a", "read_file", "ok", True)
