"""Tokens and worst cases, where nobody reported any."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fusion_graph.engine.estimates import estimated_usage, prompt_tokens, text_tokens, worst_case
from fusion_graph.graph.forecast.tokens import DEFAULT_OUTPUT_TOKENS
from fusion_graph.messages import Call, Message, Sampling
from tests.engine.stage import FLAT, Stage

CALL = Call("m/dear", (Message("user", "x" * 40),), Sampling(max_tokens=7))


@pytest.mark.parametrize(("text", "tokens"), [("", 1), ("abcd", 2), ("a" * 400, 101), ("é" * 8, 5), ("\ud800", 1)])
def test_text_is_counted_in_bytes(text: str, tokens: int) -> None:
    assert text_tokens(text) == tokens


def test_every_message_costs_a_little_more() -> None:
    one = prompt_tokens([Message("user", "abcd")])
    assert prompt_tokens([Message("user", "abcd")] * 3) == 3 * one
    assert one > text_tokens("abcd")


def test_estimate_says_that_it_is_one() -> None:
    usage = estimated_usage(CALL, 80)
    assert usage.estimated
    assert (usage.prompt_tokens, usage.completion_tokens) == (prompt_tokens(CALL.messages), 20)


def test_worst_case_is_the_prompt_and_all_its_output() -> None:
    # semantics 4: every attempt reserves (input + max_tokens)
    services = Stage(prices=FLAT).fusion.services
    worst = worst_case(CALL, services, services.lanes[""])
    assert worst.tokens == prompt_tokens(CALL.messages) + 7
    assert worst.usd == pytest.approx(worst.tokens)
    assert worst.calls == 1


def test_missing_cap_counts_as_the_default() -> None:
    services = Stage(prices=FLAT).fusion.services
    worst = worst_case(replace(CALL, sampling=Sampling()), services, services.lanes[""])
    assert worst.tokens == prompt_tokens(CALL.messages) + DEFAULT_OUTPUT_TOKENS
