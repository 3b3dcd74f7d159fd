"""Typed options: document values of plain nodes become frozen dataclasses (semantics 3, 5 and 6)."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.graph.typed import model_options, resolve, resolve_condition
from fusion_graph.pipeline import (
    AnyOf,
    Comparison,
    Condition,
    Extract,
    Limits,
    ModelRef,
    Param,
    Present,
    Retry,
    Timeout,
)
from tests.graph.walk import bound_of


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (Param("k"), 4),
        ({"a": [Param("k"), "x"]}, {"a": [4, "x"]}),
        ("$k", "$k"),
        (None, None),
    ],
)
def test_parameters_are_filled_in_anywhere(value: Any, made: Any) -> None:
    assert resolve(value, {"k": 4}) == made


def test_operands_of_conditions_are_filled_in() -> None:
    one = Comparison(Param("j"), "above", Param("k"))
    made = resolve_condition(Condition((one, AnyOf((Condition((one,)),)))), {"k": 4})
    filled = Comparison(Param("j"), "above", 4)
    assert made == Condition((filled, AnyOf((Condition((filled,)),))))


def test_model_options_are_typed() -> None:
    made = model_options(
        {
            "model": "m/a@second",
            "alternates": ["m/b", "claude@20250514"],
            "timeout": {"idle_s": 3},
            "retry": {"attempts": 1},
            "extract": {"regex": "A: (.+)"},
            "present": {"select": {"top": 2}, "order": "given"},
            "stop_sequences": ["END"],
            "temperature": None,
        }
    )
    assert made.models == (ModelRef("m/a", "second"), ModelRef("m/b"), ModelRef("claude@20250514"))
    assert made.timeout == Timeout(idle_s=3)
    assert made.retry == Retry(attempts=1)
    assert made.extract == Extract(regex="A: (.+)")
    assert made.present == Present(select=("top", 2), order="given")
    assert (made.stop_sequences, made.temperature) == (("END",), None)


def test_null_temperature_is_not_sent() -> None:
    """semantics 5: `temperature: null` = not sent."""
    bound = bound_of("a: {kind: proposer, model: m/a, temperature: null}", defaults={"temperature": 0.7})
    assert bound.samplings[0] is not None
    assert bound.samplings[0].temperature is None


def test_vote_calls_no_model() -> None:
    bound = bound_of("s: {kind: sample, model: m/a, samples: 2, extract: last_number}\n"
                     "v: {kind: judge, mode: vote, inputs: [s]}\nf: {kind: fallback, inputs: [v, s]}")  # fmt: skip
    assert bound.by_id[bound.nodes[3].id].model is None
    assert bound.samplings[3] is None


def test_limits_are_resolved() -> None:
    bound = bound_of(
        "a: {kind: proposer, model: m/a}",
        params={"b": {"type": "number", "default": 0.5}},
        limits={"deadline_s": 200, "reserve_s": 3, "budget_usd": "$b"},
    )
    assert bound.limits == Limits(deadline_s=200, reserve_s=3, budget_usd=0.5)


@pytest.mark.parametrize(
    ("options", "held"),
    [
        ("", False),
        (", usable: {complete: true}", True),
        (", usable: {match: x}", True),
        (", usable: {schema: {type: object}}", True),
    ],
)
def test_held_writer_is_known_from_the_file(options: str, held: bool) -> None:
    """semantics 3: held until accepted: it has `usable.match/schema/complete`, or `keep_best`."""
    bound = bound_of("a: {kind: proposer, model: m/a" + options + "}")
    assert bool(bound.held[0]) is held


def test_keep_best_is_held() -> None:
    bound = bound_of("a: {kind: proposer, model: m/a}\nb: {kind: refine, model: m/b, inputs: [a], keep_best: true}")
    assert [bool(why) for why in bound.held] == [False, True]
