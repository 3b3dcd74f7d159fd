"""Where two rules meet: each of them has tests of its own elsewhere."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.errors import Permanent, UsageError
from fusion_graph.graph.overrides import resolve_params
from fusion_graph.kinds import KINDS
from fusion_graph.messages import Completion, Sampling
from fusion_graph.pipeline import Limits
from tests.engine.stage import FLAT, Stage, critique, entries, start, states
from tests.graph.walk import Walk, bound_of, pipeline_of

BROKEN = Permanent("bad_request", "no", status=400)
PANEL = """
p: {kind: layer, models: [m/a, m/b, m/c]}
w: {kind: synth, model: m/w, inputs: [p]}
f: {kind: fallback, inputs: [w, p]}
"""
SAMPLES = "v: {kind: sample, model: m/a, samples: 9, window: 3, stop: {agree: 3}, extract: last_number%s}\n"
REFINED = """
a: {kind: proposer, model: m/a}
b: {kind: proposer, model: m/b}
p: {kind: layer, members: [a, b]}
s: {kind: synth, model: m/s, inputs: [p]}
r: {kind: refine, model: m/r, inputs: [%s]}
f: {kind: fallback, inputs: [r, s, p]}
"""


# --- samples that stop early ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grace", ["", ", grace_s: 5"])
def test_quorum_met_at_the_end_of_a_window(grace: str) -> None:
    # semantics 2: `quorum: n` = go on with n; nobody is left to have grace with
    walk = Walk(SAMPLES % f", quorum: 3{grace}" + "f: {kind: fallback, inputs: [v]}")
    for sample in "123":
        walk.finish(f"v/{sample}", answer=sample)
    assert walk.chosen("v") == ["v/1", "v/2", "v/3"]


@pytest.mark.parametrize("first", ["v/5", "v/1"])
def test_sample_that_another_node_wants_does_not_stop_the_drawing(first: str) -> None:
    # semantics 1: `stop` is tested over samples in index order, whoever arrives first
    nodes = (SAMPLES % "").replace("window: 3, stop: {agree: 3}", "window: 2, stop: {agree: 2}")
    reader = "x: {kind: proposer, model: m/x, inputs: [v/5]}\n"
    walk = Walk(nodes + reader + "w: {kind: synth, model: m/w, inputs: [v, 'x?']}")
    answers = {"v/1": "7", "v/2": "8", "v/5": "7"}
    for sample in sorted(answers, key=lambda name: name != first):
        walk.finish(sample, answer=answers[sample])
    assert walk.says("v") == "open"
    assert {"v/3", "v/4"} <= set(walk.running)


# --- refine and what it refines ---------------------------------------------------------------------------------------


def test_group_before_the_parent_is_a_reference() -> None:
    # semantics 2 and 3: the first single draft is the text to refine; W(refine) = its rewrite, plus W(parent)
    bound = bound_of(REFINED % "p, s")
    assert {bound.nodes[i].id for i in bound.writers} == {"r", "s"}
    assert bound.tool_turn is not None
    assert [node.id for node in bound.tool_turn.nodes] == ["s", "f"]


def test_reference_never_stands_in_for_a_parent_that_the_budget_cut() -> None:
    # semantics 2 and 4: other drafts are reference; absent inputs of a closed run are no reason to refine one of them
    walk = Walk(REFINED % "s, b")
    walk.finish("a", "alpha")
    walk.finish("b", "beta")
    walk.close("budget")
    walk.fail("s", "budget")
    assert walk.says("r") == "failed no_input"
    assert walk.texts("f") == ["alpha"]


async def test_choices_are_those_of_the_answer() -> None:
    # semantics 3: n texts of the live writer; a rewrite that is no better never replaces the text, however many came
    cut = Completion(text="cut off te", finish_reason="length")
    stage = Stage({"m/p": "parent", "m/r": [critique("bad"), "round one", critique("bad"), cut, cut]})
    nodes = "p: {kind: proposer, model: m/p}\nr: {kind: refine, model: m/r, inputs: [p], rounds: 2}\n"
    result = await stage.run(nodes + "f: {kind: fallback, inputs: [r, p]}", n=2)
    assert [choice.text for choice in result.choices] == ["round one", "round one"]
    assert ("r", "single_choice") in entries(result)


# --- limits -----------------------------------------------------------------------------------------------------------


async def test_n_texts_are_held_back_as_one() -> None:
    # semantics 3 and 4: one writer call is held back, with all its n texts
    stage = Stage({"*": "draft", "m/w": "answer"})
    result = await stage.run(PANEL, limits=Limits(max_calls=4), n=2)
    assert (result.text, len(stage.sent("m/w"))) == ("answer", 2)
    assert states(result)["p/c"] == "failed budget"


async def test_reserve_is_kept_after_a_budget_stop() -> None:
    # semantics 4, design 3: when the reserve begins, waiting stops, though what is in flight is paid for
    stage = Stage({"m/a": "alpha", "m/b": (asyncio.Event(),), "m/w": "answer"})
    run = start(stage, PANEL, limits=Limits(deadline_s=100, reserve_s=50, max_calls=3))
    await stage.only("m/b")
    await stage.skip(51)
    result = await run
    assert result.text == "answer"
    assert entries(result) == [("p/c", "budget"), ("p/b", "deadline")]


async def test_budget_stop_stays_one_after_the_reserve_began() -> None:
    # semantics 4: a budget stop never starts a paid alternative
    nodes = PANEL.replace("[w, p]", "[w, x, p]") + "x: {kind: proposer, model: m/x}"
    stage = Stage({"m/a": "alpha", "m/b": (asyncio.Event(),), "m/w": BROKEN})
    run = start(stage, nodes, top={"output": "f"}, limits=Limits(deadline_s=100, reserve_s=50, max_calls=3))
    await stage.only("m/b")
    await stage.skip(51)
    assert (await run).text == "alpha"
    assert stage.sent("m/x") == []


def test_reserve_must_leave_time_with_a_callers_deadline() -> None:
    # semantics 4 and 6: reserve_s >= deadline_s is refused, also where a parameter brings it about
    limits = {"deadline_s": "$seconds", "reserve_s": 60}
    params = {"seconds": {"type": "number", "default": 100}}
    pipeline = pipeline_of("a: {kind: proposer, model: m/a}", params=params, limits=limits)
    assert resolve_params(pipeline, {"seconds": 61}, KINDS) == {"seconds": 61}
    with pytest.raises(UsageError, match="the reserve leaves nothing of the deadline"):
        resolve_params(pipeline, {"seconds": 60}, KINDS)


# --- depth ------------------------------------------------------------------------------------------------------------


async def test_depth_that_hands_on_says_so() -> None:
    # semantics 1 and 5: `action` names what was done instead
    stage = Stage({"m/a": ["first", BROKEN, "third"], "m/w": "answer"})
    result = await stage.run("p: {kind: layer, models: [m/a], repeat: 3}\nw: {kind: synth, model: m/w, inputs: [p]}")
    assert [entry.action for entry in result.degraded] == ["p/l2 handed on p/l1"]


# --- hedge and budget -------------------------------------------------------------------------------------------------

HEDGED = """
one: {kind: proposer, model: m/cheap, max_tokens: 150000, retry: {attempts: 1}}
two: {kind: proposer, model: m/cheap, max_tokens: 100000}
final: {kind: fallback, inputs: [one, two], hedge_after_s: 4}
"""
PARENT = "parent: {kind: proposer, model: m/cheap, max_tokens: 10}\n"


@pytest.mark.parametrize(
    ("nodes", "replies"),
    [
        (HEDGED, ["two"]),
        (
            PARENT + HEDGED.replace("two: {kind: proposer,", "two: {kind: refine, inputs: [parent],"),
            ["parent", critique()],
        ),
    ],
    ids=["proposer", "refine"],
)
async def test_arm_without_room_has_its_turn_when_the_other_fails(nodes: str, replies: list[str]) -> None:
    # semantics 4: an arm that does not fit is just not launched; semantics 3: it is still the next option
    gate = asyncio.Event()
    stage = Stage({"m/cheap": [(gate, BROKEN), *replies]}, prices=FLAT)
    run = start(stage, nodes, limits=Limits(budget_usd=0.21))
    await stage.sim.called("m/cheap")
    await stage.skip(4)
    gate.set()
    result = await run
    assert result.text == replies[0]
    assert entries(result) == [("one", "bad_request")]


async def test_arm_without_room_and_without_need_never_ran() -> None:
    # semantics 1: not begun = skipped `not_needed`
    gate = asyncio.Event()
    stage = Stage({"m/cheap": (gate, "one")}, prices=FLAT)
    run = start(stage, HEDGED, limits=Limits(budget_usd=0.21))
    await stage.sim.called("m/cheap")
    await stage.skip(4)
    gate.set()
    result = await run
    assert states(result) == {"one": "ok", "two": "skipped not_needed", "final": "ok"}


# --- n texts and what a request demands -------------------------------------------------------------------------------


async def test_every_streamed_text_is_held_to_the_request() -> None:
    # semantics 3: streamed: passed through, a mismatch is degraded, whichever of the n texts it is in
    stage = Stage({"m/a": ["{}", "no JSON"]})
    form = Sampling(response_format={"type": "json_object"})
    result = await stage.run("a: {kind: proposer, model: m/a}", stream=True, n=2, writer=form)
    assert [choice.text for choice in result.choices] == ["{}", "no JSON"]
    assert entries(result) == [("a", "response_format_unmet")]


async def test_verbatim_texts_are_all_checked_before_they_are_sent() -> None:
    # semantics 3: a verbatim option is checked before it is sent; falling back gives the same text n times, degraded
    stage = Stage({"m/a": ["{}", "no JSON"]})
    form = Sampling(response_format={"type": "json_object"})
    nodes = "a: {kind: proposer, model: m/a}\np: {kind: layer, members: [a]}\nf: {kind: fallback, inputs: [p, a]}"
    result = await stage.run(nodes, stream=True, n=2, writer=form)
    assert stage.whole == [choice.text for choice in result.choices] == ["{}", "{}"]
    assert entries(result) == [("a", "single_choice")]
