"""W(n) and T(n): whose text is the answer, and what runs alone after a tool result (semantics 3)."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.contracts import WaitFirst
from fusion_graph.graph.bound import Bound
from tests.graph.walk import bound_of

PANEL = "panel: {kind: layer, models: [m/a, m/b]}\n"
ANSWER = "answer: {kind: synth, model: m/w, inputs: [panel]}\n"


def written_by(nodes: str) -> set[str]:
    bound = bound_of(nodes)
    return {bound.nodes[i].id for i in bound.writers}


def turn(nodes: str, **top: Any) -> Bound:
    made = bound_of(nodes, **top).tool_turn
    assert made is not None
    return made


# --- W ----------------------------------------------------------------------------------------------------------------


def test_proposer_and_synth_write_themselves() -> None:
    """semantics 3: W(n): proposer, synth = itself."""
    assert written_by("one: {kind: proposer, model: m/1}") == {"one"}
    assert written_by(PANEL + ANSWER) == {"answer"}


def test_refine_writes_with_its_parents() -> None:
    """semantics 3: refine = its rewrite, plus W(parent)."""
    polish = "polish: {kind: refine, model: m/r, inputs: [answer, panel]}"
    assert written_by(PANEL + ANSWER + polish) == {"polish", "answer"}
    other = "second: {kind: proposer, model: m/s}\npolish: {kind: refine, model: m/r, inputs: [answer, second]}"
    assert written_by(PANEL + ANSWER + other) == {"polish", "answer"}


def test_fallback_writes_with_its_single_draft_options() -> None:
    """semantics 3: fallback = union over its single-draft options."""
    assert written_by(PANEL + ANSWER + "other: {kind: proposer, model: m/o}\n"
                      "final: {kind: fallback, inputs: [answer, panel, other]}") == {"answer", "other"}  # fmt: skip


def test_nested_fallbacks_unite() -> None:
    assert written_by(
        "one: {kind: proposer, model: m/1}\ntwo: {kind: proposer, model: m/2}\n"
        "inner: {kind: fallback, inputs: [one]}\nfinal: {kind: fallback, inputs: [inner, two]}"
    ) == {"one", "two"}


@pytest.mark.parametrize("mode", ["select, model: m/j", "vote, extract: last_number"])
def test_verbatim_judges_write_nothing(mode: str) -> None:
    """semantics 3: judge select/vote = none (verbatim)."""
    assert written_by(PANEL + f"choice: {{kind: judge, mode: {mode}, inputs: [panel]}}") == set()


def test_judge_option_adds_no_writer() -> None:
    choice = "choice: {kind: judge, mode: select, model: m/j, inputs: [panel]}\n"
    assert written_by(PANEL + choice + ANSWER + "final: {kind: fallback, inputs: [choice, answer]}") == {"answer"}


# --- T ----------------------------------------------------------------------------------------------------------------


def test_writer_runs_alone_on_the_conversation() -> None:
    """semantics 3: T(n): proposer, synth = itself with the conversation alone (inputs suspended)."""
    alone = turn(PANEL + ANSWER)
    assert [node.id for node in alone.nodes] == ["answer"]
    assert alone.nodes[0].inputs == ()
    assert alone.output == 0
    assert alone.plan.sources == ((),)


def test_when_of_a_lone_writer_is_suspended() -> None:
    """semantics 3: inputs and `when` suspended."""
    alone = turn(
        PANEL + "judged: {kind: judge, model: m/j, inputs: [panel]}\n"
        "answer: {kind: synth, model: m/w, inputs: [panel], when: {judged.consensus: {above: 9}}}"
    )
    assert alone.plan.conditions == (None,)
    assert alone.plan.before == ((),)


def test_refine_hands_to_its_parent() -> None:
    """semantics 3: refine = T(parent)."""
    alone = turn(PANEL + ANSWER + "polish: {kind: refine, model: m/r, inputs: [answer, panel]}")
    assert [node.id for node in alone.nodes] == ["answer"]


def test_fallback_over_the_writers_of_its_options() -> None:
    """semantics 3: fallback = fallback over the T of its options, duplicates dropped."""
    alone = turn(
        PANEL + ANSWER + "polish: {kind: refine, model: m/r, inputs: [answer]}\n"
        "other: {kind: proposer, model: m/o, inputs: [panel]}\n"
        "final: {kind: fallback, inputs: [polish, answer, other, panel]}"
    )
    assert [node.id for node in alone.nodes] == ["answer", "other", "final"]
    assert alone.nodes[alone.output].id == "final"
    assert [edge.node for edge in alone.nodes[2].inputs] == ["answer", "other"]


def test_hedge_is_kept() -> None:
    """semantics 3: (hedge kept)."""
    alone = turn("""
        one: {kind: proposer, model: m/1}
        two: {kind: proposer, model: m/2}
        final: {kind: fallback, inputs: [one, two], hedge_after_s: 3}
        """)
    assert alone.plan.waits[alone.output] == WaitFirst(3)
    assert alone.plan.hedged == {0, 1}


def test_nested_fallbacks_keep_their_shape() -> None:
    alone = turn("""
        one: {kind: proposer, model: m/1}
        two: {kind: proposer, model: m/2}
        three: {kind: proposer, model: m/3}
        inner: {kind: fallback, inputs: [two, three]}
        final: {kind: fallback, inputs: [one, inner]}
        """)
    assert [node.id for node in alone.nodes] == ["one", "two", "three", "inner", "final"]
    assert [node.index for node in alone.nodes] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("mode", ["select, model: m/j", "vote, extract: last_number"])
def test_verbatim_output_runs_the_whole_graph(mode: str) -> None:
    """semantics 3: no T (vote, select): whole graph."""
    assert bound_of(PANEL + f"choice: {{kind: judge, mode: {mode}, inputs: [panel]}}").tool_turn is None


def test_fallback_over_groups_only_runs_the_whole_graph() -> None:
    assert bound_of(PANEL + "final: {kind: fallback, inputs: [panel]}").tool_turn is None


def test_lone_writer_keeps_its_options() -> None:
    alone = turn(PANEL + "answer: {kind: synth, model: m/w, inputs: [panel], temperature: 0.1, max_tokens: 9}", seed=5)
    model = alone.nodes[0].model
    assert model is not None
    assert (model.temperature, model.max_tokens, alone.seed) == (0.1, 9, 5)
    assert alone.writers == {0}


def test_deep_fallbacks_neither_overflow_nor_multiply() -> None:
    rungs = "".join(
        f"a{i}: {{kind: fallback, inputs: [b{i}, c{i}]}}\n"
        f"b{i}: {{kind: fallback, inputs: [a{i + 1}]}}\nc{i}: {{kind: fallback, inputs: [a{i + 1}]}}\n"
        for i in range(400)
    )
    nodes = f"{rungs}a400: {{kind: proposer, model: m/1}}"
    assert len(bound_of(nodes, output="a0").nodes) == 1201
    assert len(turn(nodes, output="a0").nodes) == 1201
