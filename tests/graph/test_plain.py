"""How a node waits for all its inputs, by hand: what each edge tolerates (semantics 1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fusion_graph.outputs import Outcome
from tests.graph.graphs import PAIR
from tests.graph.walk import NEVER, NO_FINDINGS, Walk


def test_bare_input_is_used() -> None:
    """semantics 1: bare input, value: used; both kinds of edge are waited for until they settle."""
    walk = Walk(PAIR + "c: {kind: synth, model: m/c, inputs: [a, 'b?']}")
    walk.finish("a")
    assert "c" not in walk.started
    walk.finish("b")
    assert walk.running == ["c"]


def test_failed_bare_input_fails_at_once() -> None:
    """semantics 1: bare input, failed: consumer failed `upstream:<id>`, at once."""
    walk = Walk(PAIR + "c: {kind: synth, model: m/c, inputs: [a, b]}")
    walk.fail("b")
    assert walk.says("c") == "failed upstream:b"
    assert walk.cancelled == ["a"]


def test_skipped_bare_input_skips() -> None:
    """semantics 1: bare input, skipped: consumer skipped `upstream:<id>`."""
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b, when: {params.go: {equals: true}}}
        c: {kind: synth, model: m/c, inputs: [a, b]}
        """, params=NEVER)  # fmt: skip
    walk.finish("a")
    assert walk.says("c") == "skipped upstream:b"


def test_failed_wins_over_skipped() -> None:
    """semantics 1: if a failed and a skipped required input meet, failed wins."""
    walk = Walk("""
        a: {kind: proposer, model: m/a, when: {params.go: {equals: true}}}
        b: {kind: proposer, model: m/b}
        c: {kind: synth, model: m/c, inputs: [a, b]}
        """, params=NEVER)  # fmt: skip
    walk.fail("b")
    assert walk.says("c") == "failed upstream:b"


@pytest.mark.parametrize("how", ["failed", "skipped", "cancelled"])
def test_optional_input_without_value_is_absent(how: str) -> None:
    """semantics 1: `id?`, skipped, failed or cancelled: absent."""
    walk = Walk(PAIR + "c: {kind: synth, model: m/c, inputs: [a, 'b?']}")
    walk.finish("a")
    walk.progress.finished(walk.plan.index["b"], Outcome(how, None, "why"))  # type: ignore[arg-type]
    assert walk.progress.starts == [walk.plan.index["c"]]


@pytest.mark.parametrize("state", ["ok", "cached", "replayed"])
def test_cached_and_replayed_count_as_values(state: str) -> None:
    """semantics 1: ok, cached and replayed mean usable."""
    walk = Walk(PAIR + "c: {kind: synth, model: m/c, inputs: [a, b]}")
    walk.finish("a")
    value = walk.outcome("a")
    assert value
    walk.progress.finished(walk.plan.index["b"], replace(value, state=state))  # type: ignore[arg-type]
    assert walk.progress.starts == [walk.plan.index["c"]]


@pytest.mark.parametrize("kind", ["synth", "judge"])
def test_node_without_any_draft_left_fails(kind: str) -> None:
    """semantics 1: judge and synth need at least one draft after optional edges fell away, else failed `no_input`."""
    walk = Walk(
        PAIR + f"c: {{kind: {kind}, model: m/c, inputs: ['a?', 'b?']}}\nd: {{kind: proposer, model: m/d, after: [c]}}"
    )
    walk.fail("a")
    walk.fail("b")
    assert walk.says("c") == "failed no_input"


def test_analysis_alone_is_no_input() -> None:
    """semantics 1: an analysis does not stand in for a draft."""
    walk = Walk(
        PAIR
        + """
judged: {kind: judge, model: m/j, inputs: [a]}
c: {kind: synth, model: m/c, inputs: ['b?', judged]}
"""
    )
    walk.finish("a")
    walk.fail("b")
    walk.finish("judged", NO_FINDINGS)
    assert walk.says("c") == "failed no_input"


def test_after_goes_on_whatever_happened() -> None:
    """semantics 1: `after`: go, go, go."""
    for how in (Outcome("failed", None, "x"), Outcome("skipped", None, "x"), Outcome("cancelled", None, "x")):
        walk = Walk("a: {kind: proposer, model: m/a}\nc: {kind: proposer, model: m/c, after: [a]}")
        assert walk.started == ["a"]
        walk.progress.finished(0, how)
        assert walk.progress.starts == [1]
