"""messages: what a turn's text is, and what usage adds up to."""

from __future__ import annotations

import pytest

from fusion_graph.messages import Message, Usage, with_system


def test_text_of_a_plain_turn() -> None:
    assert Message("user", "hello").text == "hello"


def test_text_of_parts_is_their_text() -> None:
    parts = ({"type": "text", "text": "one"}, {"type": "image_url", "image_url": {}}, {"type": "text", "text": "two"})
    assert Message("user", parts).text == "one\ntwo"


def test_words_join_the_system_turn() -> None:
    user = Message("user", "hello")
    assert with_system((user,), "Be brief.") == (Message("system", "Be brief."), user)
    assert with_system((Message("system", "You cook."), user), "Be brief.")[0].content == "You cook.\n\nBe brief."


def test_total_is_prompt_and_completion() -> None:
    assert Usage(prompt_tokens=3, completion_tokens=4, reasoning_tokens=2, cached_tokens=1).total_tokens == 7


def test_values_do_not_change() -> None:
    with pytest.raises(AttributeError):
        Message("user", "hello").content = "bye"  # type: ignore[misc]
