"""graph/forecast/estimate: what a run can cost, from the file alone."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from fusion_graph.graph.forecast.estimate import Cost, Estimate, Rates, estimate
from fusion_graph.messages import Usage
from tests.graph.shapes import PANEL, RESEARCH, VOTES, bound, graph


@dataclass(frozen=True)
class Flat:
    """A dollar a token, of input and of output."""

    usd: float = 1.0

    def cost(self, usage: Usage) -> float:
        return self.usd * usage.total_tokens


def flat(_model: str) -> Rates:
    return Flat()


def unknown(_model: str) -> None:
    return None


def test_panel_form_makes_sixteen_calls() -> None:
    # semantics 5: layers 2, samples 2, refine, members a b c: at most 16 calls
    found = estimate(bound(PANEL), unknown)
    assert found.calls.most == 16
    per_node = {n.id: n.calls.most for n in found.nodes if n.calls.most}
    assert sum(n for name, n in per_node.items() if name.startswith("panel/l1/")) == 6
    assert [per_node[name] for name in ("judge", "synth", "refine")] == [1, 1, 2]


def test_skipped_nodes_cost_nothing_at_least() -> None:
    found = estimate(bound(RESEARCH), flat)
    assert found.calls == (7, 9)
    assert {n.id: n.calls for n in found.nodes}["polish"] == (0, 2)


def test_windows_bound_the_samples() -> None:
    assert estimate(bound(VOTES), flat).calls == (3, 9)


def test_attempts_count_retries_and_alternates() -> None:
    # semantics 4: `plan` prints calls without and attempts with retries
    made = graph("final: {kind: proposer, model: m/a, alternates: [m/b, m/c], retry: {attempts: 4}}")
    found = estimate(made, flat)
    assert (found.calls.most, found.attempts) == (1, 12)
    assert found.nodes[0].alternates == ("m/b", "m/c")


def test_cost_bounds_follow_the_calls() -> None:
    made = graph("final: {kind: proposer, model: m/a, max_tokens: 5, alternates: [m/b], retry: {attempts: 2}}")
    prices = {"m/a": Flat(1.0), "m/b": Flat(10.0)}
    found = estimate(made, prices.get, prompt_tokens=95)
    one = found.nodes[0].input_tokens + 5
    assert found.cost == Cost(one, one, 2 * one + 20 * one)
    assert found.hold_usd == one


def test_unknown_price_is_none_not_zero() -> None:
    found = estimate(bound(RESEARCH), {"a/x": Flat(), "b/y": Flat(), "e/v": Flat()}.get)
    assert found.cost == (None, None, None)
    assert found.unknown_prices == ("c/z", "d/w@ollama")
    assert found.hold_usd is not None


def test_unused_alternate_price_leaves_the_least_known() -> None:
    made = graph("final: {kind: proposer, model: m/a, alternates: [m/b]}")
    found = estimate(made, {"m/a": Flat()}.get)
    assert found.cost.least == found.cost.most
    assert found.cost.worst is None


def test_hold_is_the_dearest_writer() -> None:
    # semantics 4: the worst case of one writer call is held back, the dearest of W
    made = graph("""
        a: {kind: proposer, model: m/cheap, max_tokens: 10}
        b: {kind: proposer, model: m/dear, max_tokens: 10}
        final: {kind: fallback, inputs: [a, b]}
    """)
    found = estimate(made, {"m/cheap": Flat(1), "m/dear": Flat(2)}.get)
    assert found.hold_usd == 2 * (found.nodes[1].input_tokens + 10)
    assert estimate(made, {"m/cheap": Flat(1)}.get).hold_usd is None
    assert estimate(bound(VOTES), flat).hold_usd is None


def test_drafts_bound_the_prompt() -> None:
    found = {n.id: n for n in estimate(bound(RESEARCH), flat, prompt_tokens=0).nodes}
    assert found["verdict"].input_tokens - found["panel/x"].input_tokens == 5000
    assert found["answer"].input_tokens - found["verdict"].input_tokens == 1000


def test_path_adds_up_timeouts_and_waits() -> None:
    found = estimate(bound(RESEARCH), flat).path
    assert found.nodes == ("panel/x", "second/x", "verdict", "answer", "polish")
    assert found.calls == 6
    assert found.seconds == found.uncapped_s == pytest.approx(6 * (2 * 100 + 1))


def test_deadline_cuts_the_path() -> None:
    made = bound(RESEARCH.replace("name: research", "name: research\n    limits: {deadline_s: 300, reserve_s: 60}"))
    found = estimate(made, flat)
    assert found.path.seconds == 300
    assert found.path.uncapped_s > 1000
    assert found.limits.deadline_s == 300


def test_pairs_run_side_by_side() -> None:
    made = graph("""
        panel: {kind: layer, models: [m/a, m/b, m/c, m/d]}
        ranking: {kind: judge, mode: rank, compare: pairs, both_orders: true, model: m/j, inputs: [panel]}
        final: {kind: synth, model: m/s, inputs: [panel, ranking?]}
    """)
    found = {n.id: n for n in estimate(made, flat).nodes}
    assert found["ranking"].calls.most == 12
    assert found["ranking"].seconds == found["final"].seconds


def test_nodes_nobody_asks_for_are_free() -> None:
    """A condition that the parameters decide against takes its node out of every bound."""
    found = {n.id: n for n in estimate(bound(RESEARCH, more=0), flat).nodes}
    assert found["second/x"].calls == (0, 0)
    assert found["second/x"].cost == Cost(0, 0, 0)
    assert found["second/x"].seconds == 0


def test_notes_say_what_is_assumed() -> None:
    made = bound("""
        version: 1
        name: noted
        limits: {max_concurrency: 2}
        nodes: {final: {kind: proposer, model: m/a, tools: [web_search]}}
        output: final
    """)
    assert len(estimate(made, flat).notes) == 3
    assert estimate(bound(RESEARCH), flat).notes == ()


def test_estimate_becomes_json() -> None:
    found: Estimate = estimate(bound(RESEARCH), flat)
    plain = json.loads(json.dumps(found.to_json()))
    assert plain["calls"] == {"least": 7, "most": 9}
    assert plain["nodes"][0]["cost"]["worst"] > 0
