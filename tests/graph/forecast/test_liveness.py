"""graph/forecast/liveness: the writer's line of a plan."""

from __future__ import annotations

from fusion_graph.graph.forecast.liveness import first_token
from tests.graph.shapes import RESEARCH, VOTES, bound, graph

# semantics 3: `plan` prints `live` or `held (why)`


def test_last_writer_streams() -> None:
    assert first_token(bound(RESEARCH)) == "live"


def test_vote_is_sent_whole() -> None:
    assert first_token(bound(VOTES)) == "held (vote hands on a draft verbatim)"


def test_group_option_is_sent_whole() -> None:
    made = graph("""
        tries: {kind: sample, model: m/a, samples: 2}
        final: {kind: fallback, inputs: [tries]}
    """)
    assert first_token(made) == "held (final sends one draft of tries, whole)"


def test_option_that_is_off_is_passed_over() -> None:
    made = bound(
        RESEARCH.replace(
            "answer, verdict?], when: {verdict.contradictions", "answer], keep_best: true, when: {params.more"
        )
    )
    assert first_token(made) == "held (keep_best of polish looks at the whole text)"
    off = bound(
        RESEARCH.replace(
            "answer, verdict?], when: {verdict.contradictions", "answer], keep_best: true, when: {params.more"
        ),
        more=0,
    )
    assert first_token(off) == "live"


def test_usable_rule_holds_the_writer() -> None:
    made = graph("final: {kind: proposer, model: m/a, usable: {complete: true}}")
    assert first_token(made) == "held (usable of final looks at the whole text)"


def test_keep_best_holds_the_writer() -> None:
    made = graph("""
        a: {kind: proposer, model: m/a}
        final: {kind: refine, model: m/b, inputs: [a], keep_best: true}
    """)
    assert first_token(made) == "held (keep_best of final looks at the whole text)"
