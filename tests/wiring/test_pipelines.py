"""Which file a name means, and what a caller's values and limits make of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fusion_graph.errors import PipelineError, UsageError
from fusion_graph.wiring import pipelines

DOCUMENT = {"version": 1, "name": "p", "nodes": {"a": {"kind": "proposer", "model": "a/x"}}, "output": "a"}


def test_every_preset_is_found() -> None:
    assert {"budget", "frontier", "local"} <= pipelines.presets().keys()


def test_a_preset_goes_before_a_folder_of_that_name() -> None:
    Path("budget").mkdir()
    assert pipelines.locate("budget") == pipelines.presets()["budget"]


def test_a_path_reaches_a_file_named_like_a_preset() -> None:
    Path("budget").write_text(json.dumps(DOCUMENT))
    assert pipelines.load("./budget").name == "p"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("budgt", "did you mean budget"),
        ("zzz", "presets: "),
        ("mine", "did you mean mine.yaml?"),
        ("mien.yaml", "did you mean mine.yaml?"),
        ("nope.yaml", "path"),
        ("a/b", "path"),
    ],
)
def test_an_unknown_name_gets_a_hint(name: str, hint: str) -> None:
    Path("mine.yaml").write_text("x")
    with pytest.raises(UsageError) as caught:
        pipelines.locate(name)
    assert hint in caught.value.hint


def test_loads_files_documents_and_pipelines() -> None:
    pipeline = pipelines.load(DOCUMENT)
    assert pipelines.load(pipeline) is pipeline
    with pytest.raises(PipelineError):
        pipelines.load({"version": 1})


def test_limits_of_a_caller_go_before_the_files() -> None:
    bound = pipelines.bind(pipelines.load({**DOCUMENT, "limits": {"deadline_s": 300, "reserve_s": 90}}))
    higher, lower = (pipelines.limits_of(bound, deadline_s=seconds) for seconds in (900.0, 30.0))
    assert (higher.deadline_s, higher.reserve_s) == (900, 90)
    assert (lower.deadline_s, lower.reserve_s) == (30, 7.5)
    assert pipelines.limits_of(bound, budget_usd=2.0).budget_usd == 2.0


def test_the_graph_form_keeps_comments(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(f"# mine\n{json.dumps(DOCUMENT)}\n")
    assert pipelines.graph_text(str(tmp_path / "p.yaml")).startswith("# mine\n")
    assert "kind: layer" in pipelines.graph_text("budget")
