"""YAML 1.2, and no guessing where versions differ."""

from __future__ import annotations

import pytest

from fusion_graph.graph.yaml.scalars import Unreadable, read_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("2026-11-22", "2026-11-22"),
        ("12:30:45", "12:30:45"),
        ("12", 12),
        ("-0.5", -0.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("0", 0),
        ("0.0", 0.0),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        ("$samples", "$samples"),
        ("openai/gpt-5.5", "openai/gpt-5.5"),
    ],
)
def test_plain_scalars_are_yaml_1_2(text: str, value: object) -> None:
    found = read_scalar(text, plain=True)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "text", ["010", "-07", "0o17", "0x1F", "0b11", "1_000", "00", ".inf", "-.INF", ".nan", "1e999", "9" * 40]
)
def test_ambiguous_numbers_are_refused(text: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_scalar(text, plain=True)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["010", "no", "~", ".nan", "1_000", ""])
def test_quoted_scalars_are_text(text: str) -> None:
    assert read_scalar(text, plain=False) == text


def test_half_a_character_is_refused() -> None:
    with pytest.raises(Unreadable):
        read_scalar("a\ud800", plain=False)
