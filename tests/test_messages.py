"""messages: what a turn's text is, and what usage adds up to."""

from __future__ import annotations

import pytest

from fusion_graph.messages import Message, Usage, total_cost, total_usage, with_system


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


@pytest.mark.parametrize(("costs", "total"), [((), 0.0), ((1.0, 0.5), 1.5), ((1.0, None), None), ((0.0,), 0.0)])
def test_one_unknown_cost_makes_all_unknown(costs: tuple[float | None, ...], total: float | None) -> None:
    # design 2: else `null`, never 0
    assert total_cost(costs) == total


def test_tokens_add_up_without_prices() -> None:
    one, two = Usage(1, 2, 3, 4, 0.5), Usage(10, 20, 30, 40, estimated=True)
    assert total_usage([one, two]) == Usage(11, 22, 33, 44, None, estimated=True)
    assert total_usage([one]) == Usage(1, 2, 3, 4)
    assert total_usage([two]) is two
    assert total_usage([]) == Usage()
