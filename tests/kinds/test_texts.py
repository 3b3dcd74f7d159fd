"""The kinds' own words follow the principles of the design."""

from __future__ import annotations

import re

import pytest

from fusion_graph.graph.template import names
from fusion_graph.kinds import _texts

TEXTS = {name: text for name, text in vars(_texts).items() if name.isupper()}


@pytest.mark.parametrize("name", TEXTS)
def test_words_are_plain(name: str) -> None:
    text = TEXTS[name]
    assert text == text.strip()
    assert not re.search("[\u2013\u2014\u2018-\u201d]|  |\\\\$", text)
    assert names(text) == ()


def test_judge_is_asked_for_no_answer() -> None:
    assert "You do not reply to it yourself" in _texts.JUDGE
    for word in ("style", "length", "place in the order", "Agreement is no proof"):
        assert word in _texts.JUDGE


def test_writers_are_told_that_readers_see_one_reply() -> None:
    for text in (_texts.SYNTHESIZE, _texts.REWRITE):
        assert "The reader sees your reply only." in text


def test_grades_have_anchors() -> None:
    for text in (_texts.SCORE, _texts.RATE):
        assert re.findall(r"^- (\w+): 0 ", text, re.MULTILINE) == ["accuracy", "completeness", "clarity"]
