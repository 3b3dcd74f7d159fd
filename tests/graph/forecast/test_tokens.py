"""graph/forecast/tokens: what fits into a value and a prompt."""

from __future__ import annotations

from fusion_graph.graph.bound import Bound
from fusion_graph.graph.forecast import tokens
from tests.graph.shapes import RESEARCH, bound, graph


def size(made: Bound, name: str) -> tokens.Size:
    return tokens.sizes(made)[made.by_id[name].index]  # type: ignore[index]


def seen(made: Bound, name: str) -> tokens.Size:
    return tokens.seen(made, made.by_id[name].index, tokens.sizes(made))  # type: ignore[index]


def test_group_holds_all_its_drafts() -> None:
    found = size(bound(RESEARCH), "panel")
    assert (found.drafts, found.tokens, found.rest) == (3, 3000, 0)


def test_fallback_holds_one_draft() -> None:
    found = size(bound(RESEARCH), "final")
    assert (found.drafts, found.tokens) == (1, 1000)


def test_analysis_is_no_draft() -> None:
    found = size(bound(RESEARCH), "verdict")
    assert (found.drafts, found.rest) == (0, 1000)


def test_draft_that_arrives_twice_counts_once() -> None:
    # semantics 2: the same draft arriving twice is shown once
    made = graph("""
        a: {kind: proposer, model: m/a, max_tokens: 10}
        b: {kind: proposer, model: m/b, max_tokens: 20}
        group: {kind: layer, members: [a, b]}
        final: {kind: synth, model: m/s, inputs: [group, a, b]}
    """)
    assert (seen(made, "final").drafts, seen(made, "final").tokens) == (2, 30)


def test_chosen_draft_is_one_of_its_inputs() -> None:
    made = graph("""
        tries: {kind: sample, model: m/a, samples: 4, max_tokens: 10}
        choice: {kind: judge, mode: select, model: m/j, max_tokens: 99, inputs: [tries]}
        final: {kind: fallback, inputs: [choice, tries]}
    """)
    assert size(made, "choice")[:2] == (1, 10)


def test_present_cuts_what_is_shown() -> None:
    made = graph("""
        tries: {kind: sample, model: m/a, samples: 4, max_tokens: 100}
        final: {kind: synth, model: m/s, inputs: [tries], present: {select: {random: 2}, max_chars: 39}}
    """)
    assert (seen(made, "final").drafts, seen(made, "final").tokens) == (2, 20)


def test_unset_max_tokens_is_assumed() -> None:
    made = graph("final: {kind: proposer, model: m/a}")
    assert tokens.output_tokens(made.nodes[0]) == tokens.DEFAULT_OUTPUT_TOKENS


def test_prompt_counts_instructions_and_own_text() -> None:
    made = graph("""
        a: {kind: proposer, model: m/a, max_tokens: 10}
        final: {kind: refine, model: m/r, max_tokens: 50, inputs: [a], system: aaaabbbb}
    """)
    assert tokens.prompt_tokens(made, 1, tokens.sizes(made)) == tokens.KIND_TOKENS + 2 + 10 + 50
