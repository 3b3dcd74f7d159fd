"""Where the prompt comes from, and what is wrong with some."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from fusion_graph.commands._prompt import MAX_BYTES, read_prompt
from fusion_graph.errors import UsageError
from tests.commands.test_console import Screen


def feed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_the_argument_is_the_prompt() -> None:
    assert read_prompt("why?", None) == "why?"


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_bytes(b"\xef\xbb\xbfwhy\r\nnot?\n")
    assert read_prompt(None, str(tmp_path / "p.txt")) == "why\r\nnot?\n"


@pytest.mark.parametrize(("argument", "file"), [(None, None), ("-", None), (None, "-")])
def test_standard_input_is_read_otherwise(
    monkeypatch: pytest.MonkeyPatch, argument: str | None, file: str | None
) -> None:
    feed(monkeypatch, b"from a pipe")
    assert read_prompt(argument, file) == "from a pipe"


def test_a_keyboard_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Screen())
    with pytest.raises(UsageError, match="there is no prompt"):
        read_prompt(None, None)


@pytest.mark.parametrize("content", [b"", b" \n\t", b"\xef\xbb\xbf"])
def test_a_blank_prompt_is_refused(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    feed(monkeypatch, content)
    with pytest.raises(UsageError, match="the prompt is empty"):
        read_prompt(None, None)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"text\0more", b"\x89PNG\r\n\x1a\n\0"])
def test_a_binary_prompt_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p.bin").write_bytes(content)
    with pytest.raises(UsageError, match=r"not UTF-8 text|NUL"):
        read_prompt(None, str(tmp_path / "p.bin"))


def test_an_argument_of_broken_bytes_is_refused() -> None:
    with pytest.raises(UsageError, match="the argument is not UTF-8"):
        read_prompt("caf\udce9", None)


@pytest.mark.parametrize("name", ["missing.txt", "."])
def test_a_file_that_is_none_is_named(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        read_prompt(None, name)


def test_two_prompts_are_refused() -> None:
    with pytest.raises(UsageError, match="two prompts"):
        read_prompt("one", "two.txt")


def test_a_huge_prompt_is_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    feed(monkeypatch, b"x" * (MAX_BYTES + 5))
    with pytest.raises(UsageError, match="larger than 10 MB"):
        read_prompt("-", None)
