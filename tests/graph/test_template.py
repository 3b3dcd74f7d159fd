"""Templates: found once, filled once."""

from __future__ import annotations

import pytest

from fusion_graph.graph.template import fill, names


def test_names_come_once_in_order() -> None:
    assert names("{{ question }} {{drafts}} {{question}} {{params.x}} {{input.panel/kimi-k2.6}}") == (
        "question",
        "drafts",
        "params.x",
        "input.panel/kimi-k2.6",
    )


def test_text_without_names_stays() -> None:
    assert names("{plain} {{ }} {{a b}}") == ()
    assert fill("{plain} {{ }}", {"plain": "no"}) == "{plain} {{ }}"


def test_values_are_never_filled_again() -> None:
    """design 2: a draft that contains `{{...}}` stays as it is."""
    filled = fill("{{drafts}} / {{question}}", {"drafts": "{{question}}", "question": "{{drafts}}"})
    assert filled == "{{question}} / {{drafts}}"


def test_name_without_value_stays_visible() -> None:
    assert fill("a {{unknown}} b", {}) == "a {{unknown}} b"


@pytest.mark.parametrize("literal", ["{{", "}}", "{{}}", '{"a": {"b": 1}}', "\\frac{a}{b}", "$x", "%s"])
def test_literals_are_left_alone(literal: str) -> None:
    assert fill(f"{literal} {{{{question}}}}", {"question": "Q"}) == f"{literal} Q"


def test_typing_errors_are_still_names() -> None:
    assert names("{{Drafts}} {{question.}}") == ("Drafts", "question.")
