"""The line editor and the screen, on a pipe that plays the terminal. Whole programs on a real one: tests/commands."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from fusion_graph.chat.talk import Talk
from fusion_graph.chat.terminal import TerminalScreen, _Slashes
from fusion_graph.commands._console import scrub
from tests.chat.talking import ScriptedPanel


@contextmanager
def screen(keys: str, out: io.StringIO, history: Path | None = None) -> Iterator[TerminalScreen]:
    with create_pipe_input() as typed:
        typed.send_text(keys)
        console = Console(file=out, width=60, color_system=None)
        yield TerminalScreen(
            history=history,
            words=["help", "drafts"],
            status=lambda: "status",
            scrub=scrub,
            live=False,
            input=typed,
            output=DummyOutput(),
            console=console,
        )


async def test_an_answer_is_shown_as_markdown_with_what_it_took() -> None:
    out = io.StringIO()
    with screen("why\r/exit\r", out) as shown:
        talk = Talk(ScriptedPanel({"s/w": "# Title\n\n- one\n- two\n\nend", "*": "draft"}), shown)
        await talk.run()
    assert "Title" in out.getvalue()
    assert " \N{BULLET} one" in out.getvalue()
    assert "# Title" not in out.getvalue()
    assert "simulated" in out.getvalue()


async def test_control_codes_of_a_model_do_not_reach_the_terminal() -> None:
    out = io.StringIO()
    with screen("why\r/drafts\r/exit\r", out) as shown:
        await Talk(ScriptedPanel({"*": "\x1b]0;evil\x07\x1b[2Jtext"}), shown).run()
    assert "\x1b" not in out.getvalue()
    assert "text" in out.getvalue()


@pytest.mark.parametrize(
    ("keys", "line"),
    [("a\x1b\rb\r", "a\nb"), ("a\n", "a"), ("\x1b[200~a\nb\x1b[201~\r", "a\nb")],
)
async def test_lines(keys: str, line: str) -> None:
    with screen(keys, io.StringIO()) as shown:
        assert await shown.read() == line


async def test_ctrl_c_throws_a_line_away_and_ctrl_d_ends() -> None:
    with screen("half\x03\x04", io.StringIO()) as shown:
        with pytest.raises(KeyboardInterrupt):
            await shown.read()
        with pytest.raises(EOFError):
            await shown.read()


async def test_history_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "home" / "chat_history"
    with screen("first\r", io.StringIO(), file) as shown:
        await shown.read()
    assert file.stat().st_mode & 0o777 == 0o600
    with screen("\x1b[A\r", io.StringIO(), file) as shown:
        assert await shown.read() == "first"


async def test_a_history_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with screen("first\r", io.StringIO(), tmp_path / "file" / "history") as shown:
        assert await shown.read() == "first"


def test_commands_are_completed() -> None:
    completer, event = _Slashes(["help", "drafts"]), CompleteEvent()
    assert [found.text for found in completer.get_completions(Document("/dr"), event)] == ["/drafts"]
    assert list(completer.get_completions(Document("dr"), event)) == []
    assert list(completer.get_completions(Document("/dr x"), event)) == []
