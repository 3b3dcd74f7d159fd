"""The paper's protocol: coverage, partial tasks, incomplete headlines, and what a judge sees."""

from __future__ import annotations

import pytest

from fusion_graph.evals.protocols.paper import PROTOCOL, headline, prompt, read, task
from fusion_graph.evals.task import Task
from tests.evals.protocols.worked import criteria, passes, scored


def test_worked_example_is_partial() -> None:
    found = task("answered", passes())
    assert found.state == "partial"
    assert found.score == pytest.approx(57.5758, abs=5e-5)
    assert found.passes[1] is None
    assert found.coverage.by_count == pytest.approx(23 / 24)
    told = headline([found, task("refused", [])])
    assert [told.mean, told.scored, told.planned] == pytest.approx([57.5758, 1, 2], abs=5e-5)
    assert not told.complete


def test_no_covered_pass_is_no_score() -> None:
    assert task("answered", [scored("+?", 5, 5)]).state == "unscored"
    assert task("answered", []).score is None
    assert task("transport", passes()).score is None


def test_one_missing_in_twenty_is_covered() -> None:
    assert task("answered", [scored("+" * 19 + "?", *[1.0] * 20)]).state == "ok"
    assert task("answered", [scored("+" * 18 + "?", *[1.0] * 19)]).state == "unscored"


def test_sd_is_of_the_runs_means() -> None:
    one = task("answered", [scored("+-", 1, 1), scored("++", 1, 1)])
    two = task("answered", [scored("--", 1, 1), scored("++", 1, 1)])
    told = headline([one, two])
    assert [told.mean, told.sd] == pytest.approx([62.5, 53.033], abs=1e-3)
    assert told.complete
    assert headline([]).mean is None


def test_judge_sees_the_sign_and_no_weight() -> None:
    good, bad = criteria(7777, -7777)
    texts = [prompt(Task(id="t", prompt="Why?"), c, "Because of $x {y}.")[1].text for c in (good, bad)]
    assert "Requirement (positive)" in texts[0]
    assert "Requirement (negative)" in texts[1]
    assert "7777" not in "".join(texts)
    assert "Because of $x {y}." in texts[0]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('{"explanation": "e", "criterion_status": "MET"}', "MET"),
        ('Well:\n```json\n{"criterion_status": "UNMET"}\n```', "UNMET"),
        ('{"criterion_status": "met"}', "bad_value"),
        ("MET", "not_json"),
        (" ", "empty"),
    ],
)
def test_reply_is_read_wherever_the_json_stands(text: str, verdict: str) -> None:
    assert read(text) == verdict


def test_settings_are_the_papers() -> None:
    assert (PROTOCOL.passes, PROTOCOL.temperature, PROTOCOL.effort, PROTOCOL.attempts) == (5, 0.2, "low", 3)
