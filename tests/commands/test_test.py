"""`fusiongraph test`: a line per test, what differs, exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fusion_graph.wiring import pipelines
from tests.commands.conftest import Done

PIPELINE = """version: 1
name: small
nodes:
  one: {kind: proposer, model: a/x}
  final: {kind: fallback, inputs: [one]}
output: final
"""
GOOD = "tests: [{name: it answers, replies: {one: Yes.}, expect: {answer: Yes., calls: 1}}]\n"
BAD = "tests: [{name: it fails, replies: {one: Yes.}, expect: {answer: No.}}]\n"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(PIPELINE)
    return file


def test_tests_stand_inside_or_beside(cli: Callable[..., Done], small: Path) -> None:
    small.write_text(PIPELINE + GOOD)
    assert cli("test", small) == Done(0, "ok    small: it answers\n1 passed\n", "")
    beside = small.with_name("small.tests.yaml")
    beside.write_text(BAD)
    done = cli("test", small)
    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines() == [
        "ok    small: it answers",
        "FAIL  small: it fails",
        "      the answer is 'Yes.', not 'No.'",
        "1 passed, 1 failed",
    ]
    assert cli("test", beside).out == done.out


def test_json_is_one_document(cli: Callable[..., Done], small: Path) -> None:
    small.write_text(PIPELINE + BAD)
    (told,) = json.loads(cli("test", small, "--json").out)
    assert told == {
        "file": str(small),
        "test": "it fails",
        "passed": False,
        "differs": ["the answer is 'Yes.', not 'No.'"],
    }


def test_mistakes_are_found_before_anything_runs(cli: Callable[..., Done], small: Path, tmp_path: Path) -> None:
    none = cli("test", small)
    assert (none.code, none.out) == (2, "")
    assert "has no tests" in none.err
    small.with_name("small.tests.yaml").write_text(GOOD.replace("one:", "two:"))
    wrong = cli("test", "budget", small)
    assert (wrong.code, wrong.out) == (2, "")
    assert "small.tests.yaml:1:38: FG201 there is no node 'two'" in wrong.err
    assert "small.tests.yaml:1:38: FG201" in cli("check", small.with_name("small.tests.yaml")).out
    lone = tmp_path / "lone.tests.yaml"
    lone.write_text(GOOD)
    assert cli("test", lone).code == 2
    assert cli("test", "nowhere.yaml").code == 2


@pytest.mark.parametrize("name", pipelines.presets())
def test_every_preset_passes_its_tests(cli: Callable[..., Done], name: str) -> None:
    done = cli("test", name)
    assert (done.code, done.err) == (0, ""), done.out
