"""Errors in the words of the format."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.graph.reading.validation import Checker, regex_problem, schema_problem
from fusion_graph.graph.schema import GRAPH_TOP, node_schema
from fusion_graph.kinds import KINDS
from fusion_graph.pipeline import Param
from tests.graph.written import graph, only

JUDGE = Checker(node_schema(KINDS["judge"]))
LAYER = Checker(node_schema(KINDS["layer"]))


def told(checker: Checker, **value: Any) -> list[tuple[str, Any, str]]:
    return [(p.code, p.path, f"{p.message} ({p.hint})" if p.hint else p.message) for p in checker.problems(value)]


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("temperature", "hot", "`temperature` must be a number or null, not 'hot'"),
        ("temperature", 3, "`temperature` must be at most 2, not 3"),
        ("max_tokens", 0, "`max_tokens` must be at least 1, not 0"),
        ("max_tokens", 1.5, "`max_tokens` must be a whole number or null, not 1.5"),
        ("temperature", 2**1024, f"`temperature` must be a number or null, not {2**1024}"),
        ("max_tokens", 100.0, "`max_tokens` must be a whole number or null, not 100.0"),
        (
            "mode",
            "scores",
            "`mode` must be analyze or score or rank or select or vote, not 'scores' (did you mean score?)",
        ),
        ("inputs", "panel", "`inputs` must be a list, not 'panel'"),
        ("timeout", {"total_s": 0}, "`total_s` must be above 0, not 0"),
        ("extract", "first_number", "`extract` must be `last_number` or a map, not 'first_number'"),
        ("extract", {}, "`extract` must not be empty"),
        ("extract", {"regex": "a", "pointer": "/a"}, "`extract` must have at most 1 entries"),
        (
            "alternates",
            ["a b"],
            "entry 1 of `alternates`: 'a b' is not taken here (A model, `vendor/name`, or `vendor/name@backend`.)",
        ),
        ("tools", ["a", "a"], "`tools` must not say the same thing twice"),
        ("present", {"select": {"top": 0}}, "`top` must be at least 1, not 0"),
        ("usable", {"complete": "yes"}, "`complete` must be true or false, not 'yes'"),
        ("description", None, "`description` must be text, not null"),
    ],
)
def test_wrong_values_are_explained(option: str, value: Any, expected: str) -> None:
    ((_, path, message),) = told(JUDGE, kind="judge", **{option: value})
    assert message == expected
    assert path[0] == option


@pytest.mark.parametrize("bad", ["a//b", "a/../b", "/etc", "https://x/y", "a b", "a\n", "", "$x y", "a" * 201, "é/x"])
def test_slugs_are_data(bad: str) -> None:
    """wire 1.9: no scheme, no `..`, no whitespace, no control character"""
    assert [code for code, *_ in told(JUDGE, kind="judge", model=bad)] == ["FG114"]


@pytest.mark.parametrize(
    "good", ["a/x", "claude@20250514", "@cf/meta/x", "qwen3:8b@ollama", "a/b:free", "gpt-5.5", "a/b@sim"]
)
def test_slugs_of_all_vendors_are_taken(good: str) -> None:
    assert told(JUDGE, kind="judge", model=good) == []


def test_unknown_key_is_told_at_that_key() -> None:
    (problem,) = JUDGE.problems({"kind": "judge", "temprature": 1}, ("nodes", "v"))
    assert (problem.code, problem.path, problem.key) == ("FG111", ("nodes", "v", "temprature"), True)
    assert problem.message == "node 'v' takes no key 'temprature'"
    assert problem.hint == "did you mean temperature?"


def test_free_keys_are_free() -> None:
    """design 2: unknown keys are errors; `x-*` is free"""
    assert told(JUDGE, kind="judge", **{"x-note": {"any": [1]}}) == []
    assert [c for c, *_ in told(JUDGE, kind="judge", y=1)] == ["FG111"]


def test_members_are_slugs_or_maps() -> None:
    found = told(LAYER, kind="layer", models=["a/b", {"model": "c/d", "tempo": 1}, {"key": "x"}, 3])
    assert [(code, path) for code, path, _ in found] == [
        ("FG111", ("models", 1, "tempo")),
        ("FG112", ("models", 2)),
        ("FG113", ("models", 3)),
    ]


def test_parameters_fit_everywhere() -> None:
    assert told(JUDGE, kind="judge", model=Param("x"), temperature=Param("y"), alternates=[Param("z")]) == []


def test_names_are_checked() -> None:
    found = list(Checker(GRAPH_TOP).problems({"version": 1, "name": "x", "nodes": {"A b": {}}, "output": "a"}))
    assert [(p.code, p.path, p.key) for p in found] == [("FG114", ("nodes", "A b"), True)]


def test_long_values_are_not_repeated() -> None:
    ((_, _, message),) = told(JUDGE, kind="judge", mode="x" * 5000)
    assert len(message) < 150


def test_authors_schemas_are_told_too() -> None:
    schema = {"type": "object", "additionalProperties": False, "required": ["it's"], "minProperties": 1}
    assert {p.code for p in Checker(schema).problems({"a": 1})} == {"FG111", "FG112"}
    (problem,) = Checker({"anyOf": [{"type": "string"}, {"type": "null"}]}).problems(3)
    assert (problem.code, problem.path) == ("FG114", ())
    assert problem.message.startswith("the file: ")


def test_last_newline_is_no_end_of_text() -> None:
    """JSON Schema's `$` is the end; Python's also matches before a last newline"""
    assert list(Checker({"pattern": "^a$"}).problems("a\n"))
    assert not list(Checker({"pattern": r"^a\$"}).problems("a$"))


def test_schemas_and_expressions_are_judged() -> None:
    assert schema_problem({"type": "object"}) == ""
    assert "not a JSON Schema" in schema_problem({"type": 3})
    assert "outside" in schema_problem({"properties": {"a": {"anyOf": [{"$ref": "file:///etc/passwd"}]}}})
    assert regex_problem("a+") == ""
    assert regex_problem("(") != ""


def test_finding_names_entry_and_list() -> None:
    nodes = "a: {kind: proposer, model: m/m, inputs: [3]}, final: {kind: fallback, inputs: [a]}"
    assert only(graph(nodes)).message == "entry 1 of `inputs` must be text, not 3"


@pytest.mark.parametrize("pattern", ["(a+)+$", "(x+x+)+y", "(?:a*b?)*", "((a|b+)c?){2,}?", "(?s)(.*\\n)*z"])
def test_expression_that_may_never_end(pattern: str) -> None:
    assert "repeat inside a repeat" in regex_problem(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "Answer: (.+)",
        r"(?:[^,]++,)*",
        r"(\d{1,3},)*\d+",
        r"(a+)?b*",
        r"[(+]+\)+",
        r"(ab)+c+",
        r"\(a+\)+",
        "(a+){2}",
        "(?x) a # )" + "[" * 9999,
    ],
)
def test_expression_that_ends_is_taken(pattern: str) -> None:
    assert regex_problem(pattern) == ""
