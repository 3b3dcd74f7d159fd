"""What the format says in one place."""

from __future__ import annotations

import re
from collections.abc import Callable
from inspect import signature
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fusion_graph.graph.fragments import (
    CALL,
    COMMON,
    LIMITS,
    OPERATORS,
    PARAM,
    PRESENT,
    REF,
    RETRY,
    SLUG,
    TIMEOUT,
    USABLE,
    WHEN,
)
from fusion_graph.pipeline import Limits, ModelOptions, Present, Retry, Timeout, Usable


@pytest.mark.parametrize(
    ("fragment", "value"),
    [(TIMEOUT, Timeout), (RETRY, Retry), (USABLE, Usable), (PRESENT, Present), (LIMITS, Limits)],
)
def test_fragments_are_the_values_they_make(fragment: dict[str, Any], value: Callable[..., object]) -> None:
    assert set(fragment["properties"]) == set(signature(value).parameters)


def test_call_options_are_those_of_a_call() -> None:
    assert {*CALL, "present"} <= set(signature(ModelOptions).parameters)


@pytest.mark.parametrize("fragment", [*CALL.values(), *COMMON.values(), LIMITS, PARAM, PRESENT, WHEN])
def test_fragments_are_schemas(fragment: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(fragment)


def test_every_call_option_is_explained() -> None:
    assert all(fragment.get("description") for fragment in CALL.values())


def test_operators_are_those_of_the_contract() -> None:
    """design 2: {above|below|at_least|at_most|equals|not_equals: value}"""
    assert list(OPERATORS) == ["above", "below", "at_least", "at_most", "equals", "not_equals"]


@pytest.mark.parametrize("name", ["panel", "panel/kimi-k2.6", "panel/l1/a/2", "votes/3", "a-b_c"])
def test_references_are_ids_with_members(name: str) -> None:
    assert re.fullmatch(REF, name)


@pytest.mark.parametrize("text", ["http://x/y", "a/../b", "//x", ".hidden", "-a"])
def test_slugs_are_no_addresses(text: str) -> None:
    assert not re.search(SLUG["pattern"], text)
