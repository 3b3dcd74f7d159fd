"""The facts that simulated models may know."""

from __future__ import annotations

import pytest

from fusion_graph.providers._sim.facts import FACTS, find_fact, wrong_answers


@pytest.mark.parametrize(("question", "answer"), FACTS)
def test_every_fact_is_found_and_has_wrong_answers(question: str, answer: str) -> None:
    assert find_fact(f"Please tell me.\n{question.upper()}\nEnd with 'Answer: ...'") == (question, answer)
    wrong = wrong_answers(question, answer)
    assert len(wrong) >= 3
    assert answer not in wrong


def test_last_question_counts() -> None:
    assert find_fact(f"{FACTS[0][0]} No: {FACTS[1][0]}") == FACTS[1]


@pytest.mark.parametrize(
    ("text", "answer"),
    [("What is 6 times 7?", "42"), ("what is 3 - 10", "-7"), ("What is 1 plus 1? What is 2+2?", "4")],
)
def test_sum_is_worked_out(text: str, answer: str) -> None:
    fact = find_fact(text)
    assert fact is not None
    assert fact[1] == answer


@pytest.mark.parametrize("text", ["", "On 2026-11-22", "How do I plan a garden?", "3 x 8 layers"])
def test_other_text_is_no_question(text: str) -> None:
    assert find_fact(text) is None


def test_wrong_capital_is_a_capital() -> None:
    capitals = {answer for question, answer in FACTS if question.startswith("What is the capital")}
    assert set(wrong_answers(*FACTS[0])) <= capitals
