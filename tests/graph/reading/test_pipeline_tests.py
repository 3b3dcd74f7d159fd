"""Tests of a pipeline are read like everything else: every mistake at once, each at its place and with a code."""

from __future__ import annotations

import pytest

from fusion_graph.errors import PipelineError
from fusion_graph.graph import reader
from fusion_graph.graph.pipeline_tests import Expected, PipelineTest, Reply, Wanted
from fusion_graph.kinds import KINDS

PIPELINE = """version: 1
name: small
params: {n: {type: integer, default: 2, minimum: 1, maximum: 3}}
nodes:
  panel: {kind: sample, model: a/x, samples: $n}
  answer: {kind: synth, model: w/w, inputs: [panel]}
output: answer
"""
PANEL = "name: small\npanel: [a/x, b/y]\n"


def load(tests: str, pipeline: str = PIPELINE) -> tuple[PipelineTest, ...]:
    found = reader.load(pipeline.encode(), file="small.yaml", kinds=KINDS)
    return reader.load_tests(tests.encode(), file="small.tests.yaml", pipeline=found, kinds=KINDS)


def faults(tests: str) -> list[str]:
    with pytest.raises(PipelineError) as caught:
        load(tests)
    return [f"{d.line}:{d.col} {d.code} {d.message}" for d in caught.value.diagnostics]


def test_everything_is_read() -> None:
    (test,) = load(
        "tests:\n- name: it\n  prompt: Who?\n  params: {n: 3}\n  seed: 4\n"
        "  replies: {panel/3: X, answer: [{json: [1], after_s: 2}, {fails: rate_limited, retry_after_s: 1}]}\n"
        "  expect: {state: ok, answer: Yes, nodes: {panel/3: ok}, degraded: [{node: answer, reason: r}], calls: 1}\n"
    )
    assert test == PipelineTest(
        name="it",
        prompt="Who?",
        params={"n": 3},
        seed=4,
        replies={
            "panel/3": (Reply("X"),),
            "answer": (Reply("[1]", after_s=2), Reply(fails="rate_limited", retry_after_s=1)),
        },
        expect=Expected("ok", None, Wanted(equals="Yes"), {"panel/3": "ok"}, (("answer", "r"),), 1),
    )


@pytest.mark.parametrize("pipeline", [PIPELINE, PANEL])
def test_tests_inside_do_not_change_the_pipeline(pipeline: str) -> None:
    inside = f"{pipeline}tests: [{{name: it, expect: {{state: ok}}}}]\n"
    bare, full = (reader.read(text.encode(), file="f", kinds=KINDS) for text in (pipeline, inside))
    assert [test.name for test in full.tests] == ["it"]
    assert bare.pipeline
    assert full.pipeline
    assert bare.pipeline.digest == full.pipeline.digest


def test_names_must_exist() -> None:
    found = faults(
        "tests:\n- name: it\n  params: {m: 1}\n  replies: {panel/3: X, panel: Y}\n"
        "  expect: {nodes: {anser: ok}, degraded: [{node: nobody, reason: late}]}\n"
    )
    assert found == [
        "3:12 FG203 no parameter 'm' is declared",
        "4:13 FG201 there is no node 'panel/3'",
        "4:25 FG118 panel calls no model",
        "5:20 FG201 there is no node 'anser'",
        "5:50 FG201 there is no node 'nobody'",
    ]


def test_replies_are_one_thing_each() -> None:
    found = faults(
        "tests:\n- name: it\n  expect: {answer: {matches: '('}}\n  replies:\n    answer: {text: a, json: 1}\n"
        "    panel/1: {}\n    panel/2: [{text: a, retry_after_s: 1}]\n"
    )
    assert [line.split()[:2] for line in found] == [
        ["3:30", "FG114"],
        ["5:13", "FG116"],
        ["6:14", "FG116"],
        ["7:25", "FG116"],
    ]


def test_values_of_parameters_must_fit() -> None:
    (told,) = faults("tests:\n- {name: it, params: {n: 9}, expect: {state: ok}}\n")
    assert "FG114" in told


@pytest.mark.parametrize(
    ("tests", "code"),
    [
        ("tests: []\n", "FG114"),
        ("test: []\n", "FG111"),
        ("tests: [{name: it}]\n", "FG112"),
        ("tests: [{name: it, expect: {}}]\n", "FG114"),
        ("tests: [{name: it, expect: {state: fine}}]\n", "FG114"),
        ("tests: [{name: it, expect: {nodes: {answer: fine}}}]\n", "FG114"),
        ("tests: [{name: it, expect: {state: ok}, replies: {answer: 7}}]\n", "FG113"),
        ("tests: [{name: it, expect: {state: ok}, replies: {answer: {fails: maybe}}}]\n", "FG114"),
        ("tests: &a [*a]\n", "FG105"),
        ("- no\n", "FG113"),
        ("", "FG101"),
        ("tests: [{name: it, prompt: sk-or-v1-0123456789abcdef0123456789abcdef, expect: {state: ok}}]\n", "FG107"),
    ],
)
def test_what_is_no_test_has_a_code(tests: str, code: str) -> None:
    assert any(code in told for told in faults(tests)), faults(tests)
