"""The router's protocol: failures as 0, lost calls out, population SD, strict replies."""

from __future__ import annotations

import json

import pytest

from fusion_graph.evals.protocols.openrouter import PROTOCOL, headline, prompt, read, task
from fusion_graph.evals.protocols.protocol import Ending
from fusion_graph.evals.task import Task
from tests.evals.protocols.worked import criteria, passes, scored


def test_worked_example() -> None:
    found = task("answered", passes())
    assert found.score == pytest.approx(47.9076, abs=5e-5)
    assert found.pass_rate == pytest.approx(77.9762, abs=5e-5)
    assert found.sd == pytest.approx(20.1824, abs=5e-5)
    assert found.coverage.by_count == pytest.approx(23 / 24)
    wrong = task("answered", passes("UNMET"))
    assert wrong.score == pytest.approx(46.4646, abs=5e-5)
    told = headline([found, task("refused", [])])
    assert [told.mean, told.scored, told.correct] == pytest.approx([23.9538, 2, 0], abs=5e-5)


@pytest.mark.parametrize("ending", ["refused", "unfinished", "wrong_panel"])
def test_own_failure_is_zero(ending: Ending) -> None:
    assert (task(ending, passes()).score, task(ending, []).state) == (0, "failed")


def test_no_verdict_in_any_pass_is_zero() -> None:
    assert task("answered", [scored("??", 5, 5)]).score == 0


def test_a_lost_call_leaves_the_mean() -> None:
    told = headline([task("transport", []), task("answered", [scored("+", 5)])])
    assert (told.mean, told.scored, told.planned) == (100, 1, 2)
    assert not told.complete


def test_an_outage_of_the_judge_is_no_zero() -> None:
    found = task("answered", [scored("!!", 5, 5), scored("!!", 5, 5)])
    assert (found.score, found.state) == (None, "unscored")
    assert task("answered", [scored("!?", 5, 5)]).score == 0


def test_a_pass_without_verdicts_is_left_out() -> None:
    found = task("answered", [scored("+", 5), scored("?", 5)])
    assert (found.score, found.state, found.passes) == (100, "partial", (100, None))


def test_half_right_is_correct() -> None:
    told = headline([task("answered", [scored("+-", 5, 5)]), task("answered", [scored("--", 5, 5)])])
    assert (told.mean, told.correct, told.sd, told.judge_noise) == (25, 0.5, 25, 0)
    assert headline([]).correct is None


def test_judge_sees_no_sign() -> None:
    good, bad = criteria(7777, -7777)
    shown = [prompt(Task(id="t", prompt="Why?"), c, "text")[1].text for c in (good, bad)]
    assert shown[0] == shown[1]
    assert "7777" not in shown[0]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (json.dumps({"verdict": "MET", "justification": "j"}), "MET"),
        (json.dumps({"verdict": "UNMET", "justification": "j"}), "UNMET"),
        ("```json\n" + json.dumps({"verdict": "MET", "justification": "j"}) + "\n```", "not_json"),
        (json.dumps({"verdict": "Met", "justification": "j"}), "bad_value"),
        (json.dumps({"verdict": "MET"}), "bad_value"),
        (json.dumps({"verdict": "MET", "justification": "j", "more": 1}), "bad_value"),
        (json.dumps({"verdict": ["MET"], "justification": "j"}), "bad_value"),
        ("", "empty"),
    ],
)
def test_reply_is_exactly_that_json(text: str, verdict: str) -> None:
    assert read(text) == verdict


def test_settings_are_the_routers() -> None:
    assert (PROTOCOL.passes, PROTOCOL.temperature, PROTOCOL.effort, PROTOCOL.attempts) == (3, 0.2, "low", 1)
