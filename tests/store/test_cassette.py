"""A cassette is untrusted: what is wrong with it is told with file and line, and nothing in it is large or deep."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.messages import Completion, Delta
from fusion_graph.store import cassette as module
from fusion_graph.store.cassette import read_cassette
from tests.store.taped import asked, record

NODES = "answer: {kind: proposer, model: a/fast}"


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    file = tmp_path / "run.tape"
    record(file, asked(NODES), {"a/fast": "Yes, it is."})
    return file


def test_it_reads_what_happened_in_order(tape: Path) -> None:
    found = read_cassette(str(tape))
    (attempt,) = found.attempts
    assert (attempt.node, attempt.ended) == ("answer", True)
    assert found.requests[attempt.digest].call.messages[-1].text == "Why?"
    whats = [event.what for event in found.events]
    assert whats[0] is None
    assert "".join(what.text for what in whats if isinstance(what, Delta)) == "Yes, it is."
    assert isinstance(whats[-1], Completion)
    assert found.result is not None
    assert found.result["answer"] == "Yes, it is."


def changed(number: int, **fields: Any) -> Callable[[list[str]], list[str]]:
    def change(lines: list[str]) -> list[str]:
        lines[number - 1] = json.dumps({**json.loads(lines[number - 1]), **fields})
        return lines

    return change


DEEP = "[" * 100_000 + "]" * 100_000
WRONG: list[tuple[str, str, Callable[[list[str]], list[str]]]] = [
    ("empty", ":1: this is no cassette", lambda _lines: []),
    ("no head", ":1: this is no cassette", lambda lines: lines[1:]),
    ("not JSON", ":2: not a line of JSON", lambda lines: [lines[0], "{", *lines[1:]]),
    ("binary", ":1: not a line of JSON", lambda _lines: ["\x00\x01"]),
    ("NaN", ":2: not a line of JSON", lambda lines: [lines[0], '{"is": "start", "at": NaN}']),
    ("deep", ":2: not a line of JSON", lambda lines: [lines[0], DEEP]),
    ("nested", ":1: nested deeper than 64", changed(1, params=json.loads("[" * 70 + "]" * 70))),
    ("a list", ":2: not a line of a cassette", lambda lines: [lines[0], "[]"]),
    ("another kind", ":2: not a line of a cassette: 'x'", lambda lines: [lines[0], '{"is": "x"}']),
    ("newer", ":1: a cassette of format 2", changed(1, format=2)),
    ("wrong type", ":3: `start`/at: ", changed(3, at="soon")),
    ("too large a time", ":3: `start`/at: ", changed(3, at=1e300)),
    ("unknown key", ":3: `start`/secret: ", changed(3, secret=1)),
    ("two heads", ":2: a second `head`", lambda lines: [lines[0], *lines]),
    ("after the end", "nothing may follow", lambda lines: [*lines, lines[2]]),
    ("unknown call", ":2: an attempt at a call that no line before", lambda lines: [lines[0], *lines[2:]]),
    ("skipped number", ":3: attempt 7", changed(3, attempt=7)),
    ("not begun", "has not begun, has ended", lambda lines: [*lines[:2], *lines[3:]]),
    ("backwards", "time runs backwards", changed(3, at=1e6)),
]


def test_a_file_that_is_no_cassette_is_told_what_to_do(tape: Path) -> None:
    tape.write_text("name: x\n")
    with pytest.raises(UsageError, match=":1: not a line of JSON") as told:
        read_cassette(str(tape))
    assert "--record" in told.value.hint


@pytest.mark.parametrize(("told", "change"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_is_told_with_its_line(tape: Path, told: str, change: Callable[[list[str]], list[str]]) -> None:
    tape.write_text("".join(f"{line}\n" for line in change(tape.read_text().splitlines())))
    with pytest.raises(UsageError) as caught:
        read_cassette(str(tape))
    assert caught.value.message.startswith(str(tape))
    assert told in caught.value.message
    assert len(caught.value.message) < 1000


def test_size_is_bounded(tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINES", 3)
    with pytest.raises(UsageError, match=":4: larger than a cassette may be"):
        read_cassette(str(tape))
    monkeypatch.setattr(module, "MAX_LINE", 100)
    with pytest.raises(UsageError, match=":1: larger than a cassette may be"):
        read_cassette(str(tape))


def test_a_missing_file_is_told() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_cassette("nowhere.tape")
