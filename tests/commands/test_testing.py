"""Where tests are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusion_graph.commands._testing import Told, find_all, find_tests, told
from fusion_graph.errors import PipelineError, UsageError
from fusion_graph.wiring import pipelines


def test_files_of_tests_are_no_pipelines() -> None:
    assert not [name for name in pipelines.presets() if name.endswith(".tests")]


def test_a_wrong_pipeline_is_told_as_always(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\n")
    with pytest.raises(PipelineError):
        find_tests(str(tmp_path / "a.yaml"))


def test_a_pipeline_is_tested_once(tmp_path: Path) -> None:
    """As `test *.yaml` names it together with the tests beside it."""
    tests = "tests:\n- {name: t, prompt: Why?, expect: {state: ok}}\n"
    (tmp_path / "a.yaml").write_text("version: 1\nname: a\nnodes: {a: {kind: proposer, model: m/a}}\noutput: a\n")
    (tmp_path / "a.tests.yaml").write_text(tests)
    (found,) = find_all([str(tmp_path / "a.tests.yaml"), str(tmp_path / "a.yaml")])
    assert [test.name for test in found.tests] == ["t"]


def test_tests_beside_nothing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tests.yaml").write_text("tests: []\n")
    with pytest.raises(UsageError, match="stands beside no pipeline"):
        find_tests(str(tmp_path / "a.tests.yaml"))


def test_failures_are_counted_when_there_are_any() -> None:
    assert told([Told("a.yaml", "x", ())]).endswith("1 passed")
    assert told([Told("a.yaml", "x", ("y",))]).endswith("0 passed, 1 failed")
