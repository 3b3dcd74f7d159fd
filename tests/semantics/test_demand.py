"""Section 1: demand comes in stages, and who is wanted."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.errors import Permanent, PipelineError
from fusion_graph.events import NodeSkipped
from fusion_graph.providers.sim import Step
from tests.engine.stage import Stage, analysis, entries, shown, start, states
from tests.graph.graphs import LAST_RESORT
from tests.graph.walk import bound_of

BROKEN = Permanent("bad_request", "no", status=400)


# --- stages -----------------------------------------------------------------------------------------------------------


async def test_nobody_demanded_never_runs() -> None:
    # semantics 1: nodes nobody demanded end as skipped `not_needed`
    stage = Stage({"*": "text"})
    result = await stage.run("""
        a: {kind: proposer, model: m/a}
        p: {kind: layer, models: [m/x, m/y]}
        final: {kind: fallback, inputs: [a, p]}
        """)
    assert stage.asked == ["m/a"]
    assert {name: state for name, state in states(result).items() if name.startswith("p")} == dict.fromkeys(
        ("p/x", "p/y", "p"), "skipped not_needed"
    )
    assert result.state == "ok"


async def test_when_is_judged_before_other_inputs() -> None:
    # semantics 1: stage 1 the nodes named in `when` and `after`; only when `when` is true, stage 2: all inputs
    stage = Stage({"m/j": analysis(), "*": "text"})
    result = await stage.run("""
        a: {kind: proposer, model: m/a}
        j: {kind: judge, model: m/j, inputs: [a]}
        b: {kind: proposer, model: m/b}
        c: {kind: synth, model: m/c, inputs: [a, b], when: {j.contradictions: {above: 0}}}
        final: {kind: fallback, inputs: [c, a]}
        """)
    assert states(result)["c"] == "skipped when"
    assert states(result)["b"] == "skipped not_needed"
    assert stage.asked == ["m/a", "m/j"]


async def test_fallback_demands_one_option_at_a_time() -> None:
    # semantics 1: a fallback has one stage per option
    stage = Stage({"m/a": BROKEN, "m/b": "second"})
    nodes = "\n".join(f"{name}: {{kind: proposer, model: m/{name}}}" for name in "abc")
    await stage.run(nodes + "\nfinal: {kind: fallback, inputs: [a, b, c]}")
    assert stage.asked == ["m/a", "m/b"]


async def test_sample_with_stop_demands_one_window_at_a_time() -> None:
    # semantics 1: a sample with `stop` has one stage per window; tested at window boundaries only
    stage = Stage({"m/a": ["1", "2", "2", "1"]})
    result = await stage.run("""
        votes: {kind: sample, model: m/a, samples: 6, window: 2, stop: {agree: 2}, extract: last_number}
        final: {kind: fallback, inputs: [votes]}
        """)
    assert len(stage.asked) == 4
    assert states(result)["votes/5"] == "skipped not_needed"
    assert result.state == "ok"


async def test_condition_splits_at_the_last_dot() -> None:
    # semantics 1: `node.field` splits at the last dot
    stage = Stage({"m/gemini-2.5": "text", "*": "other"})
    result = await stage.run("""
        p: {kind: layer, models: [m/gemini-2.5, m/b]}
        c: {kind: synth, model: m/c, inputs: [p], when: {p/gemini-2-5.chars: {equals: 4}}}
        """)
    assert states(result)["c"] == "ok"


@pytest.mark.parametrize("edge", ["when: {c.chars: {above: 0}}", "after: [c]"])
def test_when_and_after_count_for_cycles(edge: str) -> None:
    # semantics 1: `when` and `after` are edges: they count for cycles
    with pytest.raises(PipelineError, match="FG301"):
        bound_of(f"a: {{kind: proposer, model: m/a, {edge}}}\nc: {{kind: synth, model: m/c, inputs: [a]}}")


async def test_condition_reads_a_parameter() -> None:
    # design 2: `params.<name>` in a `when`
    stage = Stage({"*": "text"})
    nodes = (
        "a: {kind: proposer, model: m/a}\nc: {kind: synth, model: m/c, inputs: [a], when: {params.deep: {above: 1}}}\n"
    )
    bound = bound_of(
        nodes + "final: {kind: fallback, inputs: [c, a]}", params={"deep": {"type": "integer", "default": 1}}
    )
    assert states(await stage.run(bound))["c"] == "skipped when"


# --- wanted -----------------------------------------------------------------------------------------------------------

STRAGGLER = """
p: {kind: layer, models: [m/a, m/b], quorum: 1}
x: {kind: proposer, model: m/x, inputs: [p/b]}
w: {kind: synth, model: m/w, inputs: [p, 'x?']}
"""


async def test_straggler_nobody_wants_is_cancelled() -> None:
    # semantics 1: quorum closed: demand is withdrawn: running and no longer wanted = cancelled
    stage = Stage({"m/b": (asyncio.Event(),), "*": "text"})
    result = await stage.run(
        "p: {kind: layer, models: [m/b, m/a], quorum: 1}\nw: {kind: synth, model: m/w, inputs: [p]}"
    )
    assert states(result)["p/b"] == "cancelled late"
    assert entries(result) == [("p/b", "late")]


async def test_straggler_another_node_wants_runs_on() -> None:
    # semantics 1: runs on and may end ok; the join's list does not change (`late`)
    gate = asyncio.Event()
    stage = Stage({"m/a": "alpha", "m/b": (gate, "beta"), "m/x": "chi", "m/w": "answer"})
    run = start(stage, STRAGGLER)
    await stage.only("m/b")
    gate.set()
    result = await run
    assert states(result)["p/b"] == "ok"
    assert sorted(shown(stage.sent("m/w")[0]).values()) == ["alpha", "chi"]
    assert entries(result) == [("p/b", "late")]


HEDGED = """
one: {kind: proposer, model: m/1}
two: {kind: proposer, model: m/2}
first: {kind: fallback, inputs: [one, two], hedge_after_s: 0.001}
"""


async def test_hedge_loser_is_cancelled() -> None:
    # semantics 1: hedge lost: demand is withdrawn
    stage = Stage({"m/1": (asyncio.Event(),), "m/2": "faster"})
    result = await stage.run(HEDGED)
    assert result.text == "faster"
    assert states(result)["one"] == "cancelled hedge_lost"
    assert [call.model for call in stage.sim.cancelled] == ["m/1"]


async def test_hedge_loser_that_feeds_another_runs_on() -> None:
    # semantics 1: a hedge's loser that feeds another node runs on
    gate = asyncio.Event()
    stage = Stage({"m/1": (gate, "slower"), "m/2": "faster", "m/n": "notes", "m/w": "answer"})
    run = start(
        stage,
        HEDGED + "n: {kind: proposer, model: m/n, inputs: [one]}\nw: {kind: synth, model: m/w, inputs: [first, n]}",
    )
    await stage.sim.called("m/2")
    await stage.only("m/1")
    gate.set()
    result = await run
    assert states(result)["one"] == "ok"
    assert list(shown(stage.sent("m/n")[0]).values()) == ["slower"]
    assert set(shown(stage.sent("m/w")[0]).values()) == {"faster", "notes"}


async def test_failed_consumer_withdraws_its_demand() -> None:
    # semantics 1: consumer failed or skipped: running = cancelled, not begun = skipped `not_needed`
    gate = asyncio.Event()
    stage = Stage({"m/a": (gate, BROKEN), "m/b": (asyncio.Event(),), "m/last": "rescue"})
    run = start(stage, """
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b}
        d: {kind: proposer, model: m/d, inputs: [b]}
        c: {kind: synth, model: m/c, inputs: [a, d]}
        last: {kind: proposer, model: m/last}
        final: {kind: fallback, inputs: [c, last]}
        """)  # fmt: skip
    await stage.sim.called("m/b")
    gate.set()
    result = await run
    assert states(result) | {} == {
        "a": "failed bad_request",
        "b": "cancelled not_needed",
        "d": "skipped not_needed",
        "c": "failed upstream:a",
        "last": "ok",
        "final": "ok",
    }
    assert [event.node for event in stage.heard(NodeSkipped)] == ["d"]


async def test_node_wanted_anew_is_not_cancelled() -> None:
    # semantics 1: propagate the whole transition first (settle, next stages, new demand), then sweep
    gate, more = asyncio.Event(), asyncio.Event()
    stage = Stage({"m/a": (gate, BROKEN), "m/b": (more, "beta")})
    run = start(stage, """
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b}
        c: {kind: synth, model: m/c, inputs: [a, b]}
        final: {kind: fallback, inputs: [c, b]}
        """)  # fmt: skip
    await stage.sim.called("m/b")
    gate.set()
    await stage.only("m/b")
    more.set()
    assert (await run).text == "beta"
    assert stage.sim.cancelled == []


async def test_failure_cancels_no_sibling() -> None:
    # semantics 1: nothing else cancels a node but the run's end and section 4
    gate = asyncio.Event()
    stage = Stage({"m/a": BROKEN, "m/b": (gate, "beta"), "m/w": "answer"})
    run = start(stage, "p: {kind: layer, models: [m/a, m/b]}\nw: {kind: synth, model: m/w, inputs: [p]}")
    await stage.only("m/b")
    gate.set()
    assert (await run).text == "answer"
    assert stage.sim.cancelled == []


@pytest.mark.parametrize("first", ["m/o", "m/a"])
async def test_last_resort_does_not_depend_on_who_arrives_first(first: str) -> None:
    # semantics 1: same seed and replies give the same answer: a call that a later stage may still demand runs on
    gates = {model: asyncio.Event() for model in ("m/a", "m/b", "m/o", "m/z")}
    said: dict[str, Step] = {"m/a": "alpha", "m/b": "beta", "m/o": BROKEN, "m/z": BROKEN}
    stage = Stage({model: (gate, said[model]) for model, gate in gates.items()})
    run = start(stage, LAST_RESORT)
    for model in sorted(gates, key=lambda model: (model != first, model == "m/a", model)):
        await stage.sim.called(model)
        gates[model].set()
        await stage.answered(model)
        if model == "m/a":
            gates["m/b"].set()
    result = await run
    assert result.text == "alpha"
    assert stage.sim.cancelled == []
    assert len(stage.asked) == 4


async def test_spared_calls_end_with_their_last_chance() -> None:
    # semantics 1: and are cancelled as soon as nobody can come to want them
    stage = Stage({"m/a": (1e6,), "m/b": (1e6,), "m/o": BROKEN, "m/z": (0.001, "backup")})
    result = await stage.run(LAST_RESORT)
    assert result.text == "backup"
    assert sorted(call.model for call in stage.sim.cancelled) == ["m/a", "m/b"]
    assert entries(result) == [("other", "bad_request")]
