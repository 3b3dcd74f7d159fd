"""From a reply to a draft: reading answers from texts, and the one rule of what is usable."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_graph.graph.answers import SEEN, draft_of, extract, parse_rule, unusable
from fusion_graph.messages import Completion, ToolCall
from fusion_graph.pipeline import Extract, Usable
from tests.kinds.scripted import make_node

LAST = Extract(last_number=True)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("it is 1,000", "1000"),
        ("it is 1000.0.", "1000"),
        ("1e3", "1000"),
        ("first 3, then 4", "4"),
        ("**42**", "42"),
        ("$1,234.50", "1234.5"),
        ("-7", "-7"),
        ("\u22127", "-7"),
        ("5-3", "3"),
        ("0.0", "0"),
        ("-0", "0"),
        (".5", "0.5"),
        ("H2O needs 10 of B12", "10"),
        ("100%", "100"),
        ("1,2,3", "3"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
    ],
)
def test_last_number_has_one_spelling(text: str, number: str) -> None:
    assert extract(LAST, text) == number


def test_text_without_number_has_no_answer() -> None:
    assert extract(LAST, "none at all, H2O") is None


def test_huge_exponents_stay_short() -> None:
    found = extract(LAST, "1e999")
    assert found is not None
    assert len(found) < 20


@pytest.mark.parametrize(
    ("regex", "text", "answer"),
    [
        ("Answer: (.+)", "Answer: A\nno\nAnswer:  B ", "B"),
        ("[A-D]", "A, rather C", "C"),
        ("Answer: (.*)", "Answer: ", None),
        ("Answer: (.+)", "nothing", None),
        ("(x)|y", "x y", None),
    ],
)
def test_regex_takes_last_match_and_first_group(regex: str, text: str, answer: str | None) -> None:
    assert extract(Extract(regex=regex), text) == answer


@pytest.mark.parametrize(
    ("pointer", "text", "answer"),
    [
        ("/answer", '{"answer": " yes "}', "yes"),
        ("/n", 'so: ```json\n{"n": 1000.0}\n```', "1000"),
        ("/ok", '{"ok": true}', "true"),
        ("/list/1", '{"list": ["a", "b"]}', "b"),
        ("/a~1b/m~0n", '{"a/b": {"m~n": "x"}}', "x"),
        ("/o", '{"o": {"b": 1, "a": 2}}', '{"a":2,"b":1}'),
        ("/none", '{"answer": 1}', None),
        ("/list/7", '{"list": []}', None),
        ("/answer", "no JSON", None),
    ],
)
def test_pointer_reads_json_anywhere(pointer: str, text: str, answer: str | None) -> None:
    assert extract(Extract(pointer=pointer), text) == answer


def test_rules_are_parsed_as_written() -> None:
    assert parse_rule("last_number") == LAST
    assert parse_rule({"regex": "a"}) == Extract(regex="a")
    assert parse_rule({"pointer": "/a"}) == Extract(pointer="/a")
    assert extract(Extract(), "1") is None


def test_expressions_see_a_bounded_text() -> None:
    seen = f"Answer: early{' ' * SEEN}Answer: late"
    assert extract(Extract(regex="Answer: (.+)"), seen) == "late"
    assert extract(Extract(regex="early"), seen) is None
    assert unusable(Usable(match="^Answer: early"), Completion(text=seen)) == ""
    assert unusable(Usable(match="late$"), Completion(text=seen)) == ""


@given(st.text(alphabet="0123456789,.eE-+ ", max_size=300))
def test_any_digits_give_a_number_or_nothing(text: str) -> None:
    found = extract(LAST, text)
    assert found is None or extract(LAST, found) == found


@pytest.mark.timeout(20)
def test_number_search_is_linear() -> None:
    """Were it not, this would take hours."""
    for text in ("1" * SEEN, "1," * SEEN, "," * SEEN, "1.1" * SEEN):
        extract(LAST, text)


# --- usable -----------------------------------------------------------------------------------------------------------

CALL = (ToolCall(id="1", name="f", arguments="{}"),)


@pytest.mark.parametrize(
    ("rule", "completion", "why"),
    [
        ({}, {"text": "x"}, ""),
        ({}, {"text": " \n"}, "blank"),
        ({}, {"text": "\u200b\ufeff\u00a0"}, "blank"),
        ({}, {"text": "cut", "finish_reason": "length"}, ""),
        ({"complete": True}, {"text": "cut", "finish_reason": "length"}, "complete"),
        ({"complete": True}, {"text": "cut", "finish_reason": "content_filter"}, "complete"),
        ({"complete": True}, {"text": "whole"}, ""),
        ({"match": "Answer:"}, {"text": "Answer: 1"}, ""),
        ({"match": "Answer:"}, {"text": "1"}, "match"),
        ({"schema": {"type": "object", "required": ["a"]}}, {"text": '{"a": 1}'}, ""),
        ({"schema": {"type": "object", "required": ["a"]}}, {"text": "{}"}, "schema"),
        ({"schema": {"type": "object"}}, {"text": "```json\n{}\n```"}, "schema"),
        ({"schema": {"type": "object"}}, {"text": "prose"}, "schema"),
    ],
)
def test_usable_names_the_rule_that_failed(rule: dict[str, Any], completion: dict[str, Any], why: str) -> None:
    """semantics 1: `usable` is not blank, and on request whole, matching, fitting."""
    assert unusable(Usable(**rule), Completion(**completion)) == why


def test_tool_calls_are_an_answer() -> None:
    """semantics 3: a draft with tool calls is an answer: usable."""
    strict = Usable(complete=True, match="x", schema={"type": "object"})
    assert unusable(strict, Completion(tool_calls=CALL, finish_reason="tool_calls")) == ""


# --- drafts -----------------------------------------------------------------------------------------------------------


def test_draft_names_its_node_and_model() -> None:
    """semantics 2: a draft keeps the id of the node that wrote it."""
    node = make_node("proposer", "panel/ann")
    assert draft_of(node, Completion(text="x")).node == "panel/ann"
    assert draft_of(node, Completion(text="x")).model == "vendor/model"
    assert draft_of(node, Completion(text="x", model="vendor/alternate")).model == "vendor/alternate"


def test_answer_is_read_where_asked() -> None:
    """semantics 1: a draft then carries its `answer`."""
    silent, asked = make_node("proposer"), make_node("proposer", extract={"regex": "Answer: (.+)"})
    reply = Completion(text="Answer: B")
    assert draft_of(silent, reply).answer is None
    assert draft_of(asked, reply).answer == "B"
