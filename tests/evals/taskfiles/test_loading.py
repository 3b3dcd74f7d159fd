"""Task files of every form: the same tasks come out, and every mistake is told with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fusion_graph.errors import PipelineError, UsageError
from fusion_graph.evals.taskfiles import load, shipped
from fusion_graph.evals.taskfiles.loading import read
from tests.evals import lookalike


def mistakes(source: str | bytes) -> list[str]:
    """`line:col code message` of everything that is wrong."""
    with pytest.raises(PipelineError) as caught:
        read(source.encode() if isinstance(source, str) else source, "f")
    return [f"{d.line}:{d.col} {d.code} {d.message}" for d in caught.value.diagnostics]


@pytest.mark.parametrize("name", shipped())
def test_shipped_set_is_valid(name: str) -> None:
    found = load(name)
    assert len(found.tasks) >= 10
    assert found.exact == (name == "sums")


def test_both_carriers_give_the_same_rubrics() -> None:
    lines, whole = read(lookalike.jsonl(), "a.jsonl"), read(lookalike.manifest(), "b.json")
    assert (lines.form, whole.form) == ("draco", "manifest")
    assert [task.criteria for task in lines.tasks] == [task.criteria for task in whole.tasks]
    assert sum(len(task.criteria) for task in lines.tasks) == lookalike.CRITERIA
    assert {c.section for task in lines.tasks for c in task.criteria} == set(lookalike.SECTIONS)


def test_answer_and_rubric_come_as_text_or_tree() -> None:
    tree = {"sections": [{"id": "s", "criteria": [{"id": "a", "weight": 1, "requirement": "r"}]}]}
    for key in ("answer", "rubric"):
        for right in (tree, json.dumps(tree)):
            (task,) = read(json.dumps({"id": "t", "problem": "p", key: right}).encode(), "f").tasks
            assert task.criteria[0].section == "s"


def test_nested_section_nearest_id_wins() -> None:
    inner = {"id": "in", "criteria": [{"id": "a", "weight": 1, "requirement": "r"}]}
    rubric = {"sections": [{"id": "out", "sections": [inner, {"criteria": [{"weight": 2, "requirement": "q"}]}]}]}
    (task,) = read(json.dumps({"tasks": [{"id": "t", "problem": "p", "rubric": rubric}]}).encode(), "f").tasks
    assert [c.section for c in task.criteria] == ["in", "out"]


def test_exact_answers_have_an_extractor() -> None:
    text = '{"id": "a", "prompt": "p", "answer": 1000}\n{"id": "b", "prompt": "p", "answer": "Bonn"}\n'
    number, word = read(text.encode(), "f").tasks
    assert (number.answer, number.extract and number.extract.last_number) == ("1000", True)
    assert word.extract is not None
    assert "answer" in str(word.extract.regex)


def test_yaml_mistakes_stand_at_their_places() -> None:
    source = """tasks:
  - id: a
    prompt: p
    criterai: []
  - id: b
    prompt: " "
    criteria:
      - {id: x, weight: heavy, requirement: r}
      - {id: y, weight: 1, requirement: ""}
  - id: c
    prompt: p
    criteria: [{id: x, weight: -1, requirement: r}, {id: x, weight: 0, requirement: r}]
"""
    found = mistakes(source)
    assert found[0].startswith("4:15 FG111 task a: unknown key 'criterai'")
    assert "2:5 FG112 task a has neither criteria nor an answer" in found
    assert "6:13 FG112 task b has no prompt" in found
    assert any(line.startswith("8:25 FG602 task b, criterion x: the weight") for line in found), found
    assert "9:41 FG112 task b, criterion y: the requirement is empty" in found
    assert any("FG601 task c: criterion x is there twice" in line for line in found)


def test_without_positive_weight_nothing_could_score() -> None:
    source = "- {id: a, prompt: p, criteria: [{id: x, weight: -1, requirement: r}]}"
    assert any("FG603 task a" in line for line in mistakes(source))


@pytest.mark.parametrize("weight", ["NaN", "Infinity", "true", '"5"', "null"])
def test_bad_weight_is_never_zero(weight: str) -> None:
    rubric = (
        '{"criteria": [{"id": "x", "weight": %s, "requirement": "r"}, {"id": "y", "weight": 1, "requirement": "r"}]}'
    )
    line = json.dumps({"id": "t", "problem": "p", "answer": rubric % weight})
    assert any("FG602 task t, criterion x" in found for found in mistakes(line))


def test_json_lines_mistakes_have_line_and_column() -> None:
    good = '{"id": "a", "prompt": "p", "answer": "1"}'
    assert mistakes(f'{good}\n{{"id": "b",\n') == [
        "2:12 FG103 this is not JSON: Expecting property name enclosed in double quotes"
    ]
    assert mistakes(f'{good}\n{{"id": "b", "prompt": "", "answer": "1"}}')[0].startswith(
        "2:23 FG112 task b has no prompt"
    )


def test_manifest_is_checked_against_itself() -> None:
    whole = json.loads(lookalike.manifest())
    whole["task_count"] = 99
    whole["task_ids"].reverse()
    codes = [line.split()[1] for line in mistakes(json.dumps(whole, indent=1))]
    assert codes == ["FG605", "FG605"]


@pytest.mark.parametrize(
    "source",
    [b"", b"tasks: 3", b"{}", b"[]", b"\xff\xfe", b"{" * 5000, b"- 5", b'{"tasks": 5}', b"a: &x 1", b"[" * 100],
)
def test_hostile_file_is_refused(source: bytes) -> None:
    assert mistakes(source)


def test_same_id_twice_is_refused() -> None:
    line = '{"id": "a", "prompt": "p", "answer": "1"}'
    assert any("FG601 task a" in found for found in mistakes(f"{line}\n{line}"))


def test_unknown_name_has_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load("sampel")
    assert "did you mean sample?" in caught.value.hint
    with pytest.raises(UsageError):
        load(str(tmp_path))
