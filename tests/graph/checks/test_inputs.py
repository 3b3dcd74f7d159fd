"""Types of inputs, drafts and scores where they are needed, and what kinds find."""

from __future__ import annotations

import pytest

from tests.graph.written import codes, errors, graph, read, warnings

P = "p: {kind: layer, models: [m/a, m/b]}"
ONE = "p: {kind: proposer, model: m/a}"
SCORE = "s: {kind: judge, mode: score, model: j/j, inputs: [p]}"
ANALYSIS = "v: {kind: judge, model: j/j, inputs: [p]}"


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        (f"{ONE}, {ANALYSIS}, final: {{kind: proposer, model: m/m, inputs: [v]}}", ["FG401"]),
        (
            (
                f"{P}, {ANALYSIS}, w: {{kind: judge, model: k/k, inputs: [p, v]}}, final: {{kind: synth, "
                f"model: m/m, inputs: [p, w]}}"
            ),
            ["FG401"],
        ),
        (f"{P}, {ANALYSIS}, final: {{kind: fallback, inputs: [p, v]}}", ["FG401"]),
        (f"{P}, {ANALYSIS}, q: {{kind: layer, members: [p, v]}}, final: {{kind: fallback, inputs: [q]}}", ["FG401"]),
        (
            f"{P}, {ANALYSIS}, q: {{kind: layer, models: [m/m], inputs: [v]}}, final: {{kind: fallback, inputs: [q]}}",
            ["FG401"],
        ),
        (f"{P}, {SCORE}, final: {{kind: synth, model: m/m, inputs: [p, s]}}", []),
        (f"{P}, {ANALYSIS}, {SCORE}, final: {{kind: synth, model: m/m, inputs: [p, v, s]}}", []),
    ],
)
def test_kinds_say_what_they_take(nodes: str, expected: list[str]) -> None:
    """design 2: what an input is follows from its kind; kinds say what they take"""
    assert codes(graph(nodes)) == expected


@pytest.mark.parametrize("kind", ["judge", "synth"])
def test_drafts_are_needed(kind: str) -> None:
    """semantics 1: without any draft input in the file: load error"""
    assert codes(
        graph(
            f"a: {{kind: {kind}, model: m/m}}, p: {{kind: layer, models: [m/a]}}, final: {{kind: synth, "
            f"model: m/m, inputs: [p, a?]}}"
        )
    )[:1] == ["FG304"]
    assert codes(graph(f"{P}, {ANALYSIS}, final: {{kind: synth, model: m/m, inputs: [v]}}")) == ["FG304"]


def test_optional_draft_is_a_draft() -> None:
    assert codes(graph(f"{P}, final: {{kind: synth, model: m/m, inputs: [p?]}}")) == []


@pytest.mark.parametrize("node", ["{kind: fallback}", "{kind: fallback, inputs: []}", "{kind: judge, mode: vote}"])
def test_computed_nodes_need_inputs(node: str) -> None:
    assert codes(graph(f"final: {node}")) == ["FG304"]


def test_text_to_refine_must_be_bare() -> None:
    """semantics 2: the first draft input is the text to refine and must be bare"""
    assert errors(graph(f"{ONE}, final: {{kind: refine, model: m/m, inputs: [p?]}}")) == ["FG404 4:85"]
    assert codes(graph(f"{P}, final: {{kind: refine, model: m/m, inputs: [p]}}")) == ["FG404"]
    assert codes(graph(f"{ONE}, final: {{kind: refine, model: m/m, inputs: [p]}}")) == []


@pytest.mark.parametrize(
    ("options", "judge", "expected"),
    [
        ("pick: best_score, inputs: [p]", "", ["FG403"]),
        ("pick: best_score, inputs: [p, s]", SCORE, []),
        ("inputs: [p, s]", SCORE, []),
        ("pick: longest, inputs: [q]", "q: {kind: proposer, model: m/m}", ["FG405"]),
    ],
)
def test_pick_needs_scores_and_a_group(options: str, judge: str, expected: list[str]) -> None:
    """semantics 2: `pick: best_score` takes scores from judges among the node's own inputs, else load error"""
    nodes = [
        n for n in ((P if "p" in options.split("[")[1] else ""), judge, f"final: {{kind: fallback, {options}}}") if n
    ]
    assert codes(graph(", ".join(nodes))) == expected


@pytest.mark.parametrize(("inputs", "expected"), [("p", ["FG403 4:111"]), ("p, s?", []), ("p, v?", ["FG403 4:158"])])
def test_select_top_needs_scores(inputs: str, expected: list[str]) -> None:
    """semantics 2: `select: {top: k}` likewise"""
    judge = {"p": "", "p, s?": SCORE + ", ", "p, v?": ANALYSIS + ", "}[inputs]
    assert (
        errors(
            graph(
                f"{P}, {judge}final: {{kind: synth, model: m/m, inputs: [{inputs}], present: {{select: {{top: 2}}}}}}"
            )
        )
        == expected
    )


@pytest.mark.parametrize(
    ("two", "expected"),
    [
        ("{kind: proposer, model: m/m}", []),
        ("{kind: layer, models: [m/m]}", ["FG405"]),
        ("{kind: judge, mode: vote, extract: last_number, inputs: [one]}", ["FG405"]),
        ("{kind: fallback, inputs: [one]}", ["FG405"]),
    ],
)
def test_hedge_runs_calls_only(two: str, expected: list[str]) -> None:
    """semantics 3: with `hedge_after_s` options must be model-call nodes"""
    text = graph(f"one: {ONE[3:]}, two: {two}, final: {{kind: fallback, inputs: [one, two], hedge_after_s: 2}}")
    assert codes(text) == expected


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("p.count: {above: 1}", []),
        ("p.agreement: {at_least: 0.5}", []),
        ("p/a.truncated: {equals: false}", []),
        ("v.blind_spots: {above: 0}", []),
        ("p.chars: {above: 1}", ["FG205"]),
        ("v.agreement: {above: 1}", ["FG205"]),
        ("p/a.count: {above: 1}", ["FG205"]),
    ],
)
def test_fields_follow_from_the_type(test: str, expected: list[str]) -> None:
    """semantics 1: fields: drafts `count, agreement`; draft `truncated, chars`; analysis its five lists ..."""
    text = graph(f"{P}, {ANALYSIS}, final: {{kind: synth, model: m/m, inputs: [p, v?], when: {{{test}}}}}")
    assert codes(text) == expected


def test_judge_of_its_own_draft_warns() -> None:
    """design 2: warning: judge is also a panelist"""
    assert warnings(
        graph(
            "panel: {kind: layer, models: [m/a, m/b]}, v: {kind: judge, model: m/b, inputs: [panel]}, "
            "answer: {kind: synth, model: w/w, inputs: [panel, v?]}, final: {kind: fallback, inputs: "
            "[answer, panel]}"
        )
    ) == ["FG308"]


def test_reviewer_of_others_does_not_warn() -> None:
    text = graph(
        "panel: {kind: layer, models: [m/a, m/b]}, v: {kind: judge, mode: score, model: m/b, inputs: "
        "[panel/a]}, final: {kind: fallback, inputs: [panel, v]}"
    )
    assert "FG308" not in warnings(text)


def test_backend_tells_panelists_apart() -> None:
    text = graph(
        "p: {kind: layer, models: [m/a@x]}, v: {kind: judge, mode: select, model: m/a, inputs: [p]}, "
        "final: {kind: fallback, inputs: [v, p]}"
    )
    assert "FG308" not in warnings(text)


def test_layer_of_members_has_no_inputs() -> None:
    text = graph(f"{P}, q: {{kind: layer, members: [p], inputs: [p]}}, final: {{kind: fallback, inputs: [q]}}")
    assert codes(text) == ["FG116"]


@pytest.mark.parametrize("node", ["models: [m/m], members: [p]", "quorum: 1"])
def test_layer_has_one_of_models_and_members(node: str) -> None:
    """semantics 1: a layer has exactly one of `models:` and `members:`"""
    assert codes(graph(f"{P}, q: {{kind: layer, {node}}}, final: {{kind: fallback, inputs: [q, p]}}")) == ["FG305"]


def test_missing_input_is_not_said_twice() -> None:
    assert codes(graph("final: {kind: synth, model: m/m, inputs: [nowhere]}")) == ["FG201"]
    assert [d.code for d in read(graph("final: {kind: refine, model: m/m}")).diagnostics if d.severity == "error"] == [
        "FG304"
    ]


def test_vote_judge_needs_no_model() -> None:
    text = graph(
        "panel: {kind: sample, model: m/m, samples: 3}, v: {kind: judge, mode: vote, extract: "
        "last_number, inputs: [panel]}, answer: {kind: fallback, inputs: [v]}, final: {kind: fallback, "
        "inputs: [answer, panel]}"
    )
    assert codes(text) == []
    assert codes(text.replace("mode: vote, extract: last_number", "mode: select")) == ["FG112"]
