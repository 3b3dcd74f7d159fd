"""`fusiongraph chat` as a program: in a pipe, and on a terminal that is resized and interrupted (`_talking`)."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Done
from tests.commands.terminal import Terminal

Start = Callable[..., Terminal]
READY = "\x1b[?2004h"  # the line editor asks for pasted text in brackets


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    file = tmp_path / "quick.yaml"
    file.write_text(
        "version: 1\nname: quick\nnodes:\n"
        "  panel: {kind: layer, models: [a/x@sim, b/y@sim]}\n"
        "  answer: {kind: synth, model: c/z@sim, inputs: [panel]}\noutput: answer\n"
    )
    return file


@pytest.fixture
def chat(terminal: Start, tmp_path: Path) -> Start:
    def start(*arguments: object, **more: str) -> Terminal:
        return terminal("chat", *arguments, FUSION_HOME=str(tmp_path / "home"), PROMPT_TOOLKIT_NO_CPR="1", **more)

    return start


def test_in_a_pipe_every_line_is_a_question(cli: Callable[..., Done], quick: Path) -> None:
    done = cli("chat", "--config", quick, stdin=b"What is 6 times 7?\n/stats\n")
    assert done.code == 0
    assert "Answer: 42" in done.out
    assert "quick: 1 turn" in done.out
    assert done.err.startswith("backend: sim, simulated")


def test_a_conversation_is_written_down_if_it_is_wanted(cli: Callable[..., Done], quick: Path) -> None:
    assert cli("chat", "--config", quick, stdin=b"not this\n").code == 0
    cli("chat", "--config", quick, "--journal", stdin=b"Why is\tthis so?\nAnd that?\n")
    (line,) = json.loads(cli("runs", "list", "--json").out)
    assert (line["command"], line["pipeline"], line["runs"], line["state"]) == ("chat", "Why is this so?", 2, "ok")
    last = json.loads(cli("runs", "list", "--of", "last", "--json").out)[0]
    exported = json.loads(cli("runs", "export", last["id"]).out)
    assert [message["content"] for message in exported["messages"]][::2] == ["Why is\tthis so?", "And that?"]
    assert exported["result"]["answer"]
    assert len(json.loads(cli("runs", "export", line["id"]).out)["runs"]) == 2


def test_a_failed_turn_in_a_pipe_goes_on_and_is_told(cli: Callable[..., Done], tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(
        "version: 1\nname: broken\nnodes: {only: {kind: proposer, model: sim/fault-400@sim}}\noutput: only\n"
    )
    done = cli("chat", "--config", file, stdin=b"one\n/foo\n/stats\n")
    assert done.code == 1
    assert "error: no node gave a usable answer" in done.err
    assert "there is no command /foo" in done.err
    assert "broken: 0 turns, 1 run" in done.out
    assert "Traceback" not in done.err


def test_a_panelist_may_use_a_tool_of_an_mcp_server_that_was_allowed(
    cli: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mcp")
    shop = [sys.executable, str(Path(__file__).parents[1] / "tools" / "mcp_shop.py")]
    (tmp_path / "fusiongraph.toml").write_text(f"[mcp.shop]\ncommand = {json.dumps(shop)}\n")
    monkeypatch.setenv("FUSION_CONFIG", str(tmp_path / "fusiongraph.toml"))
    file = tmp_path / "shop.yaml"
    file.write_text(
        "version: 1\nname: shop\nnodes:\n"
        '  answer: {kind: proposer, model: a/x@sim, tools: ["mcp:shop/price"]}\noutput: answer\n'
    )
    order = b'sim: call mcp__shop__price {"item": "tea"} sim: say "bought"\n/stats\n'
    done = cli("chat", "--config", file, "--allow-tools", "mcp:shop/price", stdin=order)
    assert (done.code, done.out.startswith("bought\n"), "2 calls" in done.out) == (0, True, True), done
    refused = cli("chat", "--config", file, stdin=order)
    assert (refused.code, "mcp:shop/price" in refused.err) == (2, True), refused


def test_a_question_that_is_refused_is_not_answered(cli: Callable[..., Done], tmp_path: Path) -> None:
    file = tmp_path / "dear.yaml"
    file.write_text("version: 1\nname: dear\nnodes: {only: {kind: proposer, model: a/x@far}}\noutput: only\n")
    done = cli("chat", "--config", file, stdin=b"one\n")
    assert (done.code, "unknown backend 'far'" in done.err) == (1, True), done


@pytest.mark.parametrize("arguments", [("--config", "none"), ("-p", "nope=1"), ("--allow-tools", "nope"), ("--root",)])
def test_wrong_usage(cli: Callable[..., Done], arguments: tuple[str, ...]) -> None:
    done = cli("chat", *arguments, stdin=b"")
    assert done.code in (0, 2)
    assert "Traceback" not in done.err


def test_a_conversation_on_a_terminal(chat: Start, quick: Path, tmp_path: Path) -> None:
    screen = chat("--config", quick)
    screen.wait_for(READY)
    screen.type("What is 6 times 7?\r")
    screen.wait_for("3 calls")
    screen.type("/drafts\r")
    screen.wait_for("panel/y")
    screen.resize(40, 10)
    screen.type("And 7 times 8?\r")
    screen.type("/pipeline budget\r")
    screen.wait_for("budget answers from now on")
    screen.type("/stats\r")
    screen.wait_for("budget: 2 turns")
    screen.leave()
    assert "Answer: 42" in screen.text
    assert "6 times 7" in (tmp_path / "home" / "chat_history").read_text()


def test_ctrl_c_stops_an_answer_and_the_conversation_goes_on(chat: Start, slow: Path) -> None:
    screen = chat("--config", slow)
    screen.wait_for(READY)
    screen.type("one\r")
    screen.wait_for("panel 1 of 3")
    screen.signal(signal.SIGINT)
    screen.wait_for("stopped; the conversation is as it was before")
    screen.type("/stats\r")
    screen.wait_for("slow: 0 turns, 0 runs")
    screen.type("half a line\x03")
    screen.leave()


def test_a_terminal_that_is_taken_away_ends_it(chat: Start, slow: Path) -> None:
    screen = chat("--config", slow)
    screen.wait_for(READY)
    screen.type("one\r")
    screen.wait_for("panel 0 of 3")
    screen.signal(signal.SIGTERM)
    assert screen.finish() == 143
    assert "Traceback" not in screen.text


def test_a_dumb_terminal_is_like_a_pipe(chat: Start, quick: Path) -> None:
    screen = chat("--config", quick, TERM="dumb")
    screen.wait_for("backend: sim")
    screen.type("What is 6 times 7?\n/stats\n")
    screen.wait_for("quick: 1 turn")
    screen.type("\x04")
    assert screen.finish() == 0
    assert "\x1b" not in screen.text


def test_a_stopped_answer_goes_on_and_the_conversation_too(
    chat: Start, cli: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the panel said before Ctrl-C is not bought again, and the next program shows where it was left."""
    file = tmp_path / "slow.yaml"
    nodes = (
        "  panel: {kind: layer, models: [sim/fast@sim, {model: sim/fast@sim, key: again}]}\n"
        "  answer: {kind: synth, model: sim/slow@sim, inputs: [panel]}\n"
    )
    file.write_text(f"version: 1\nname: slow\nnodes:\n{nodes}output: answer\n")
    screen = chat("--config", file, "--journal")
    screen.wait_for(READY)
    screen.type("one\r")
    screen.wait_for("answer working")
    screen.signal(signal.SIGINT)
    screen.wait_for("stopped; the conversation is as it was before")
    file.write_text(file.read_text().replace("sim/slow@sim", "sim/fast@sim"))
    screen.type(f"/pipeline {file}\r")
    screen.wait_for("slow answers from now on")
    screen.type("/retry\r")
    screen.wait_for(", 1 call,")
    screen.leave()
    monkeypatch.setenv("FUSION_HOME", str(tmp_path / "home"))
    (line,) = json.loads(cli("runs", "list", "--json").out)
    assert (line["runs"], line["attempts"], f"chat --resume {line['id']} goes on" in screen.text) == (1, 4, True)
    again = chat("--resume", line["id"][:6])
    again.wait_for("slow answers; /help")
    assert f"conversation {line['id']} goes on after 1 turn" in again.text
    assert "You:" in again.text
    again.leave()
