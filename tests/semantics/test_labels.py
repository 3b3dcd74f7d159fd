"""Section 2: the label belongs to the draft; own drafts, order and seeds."""

from __future__ import annotations

import string

import pytest

from fusion_graph.errors import Permanent
from tests.engine.stage import Stage, analysis, choosing, shown

BROKEN = Permanent("bad_request", "no", status=400)
PANEL = "panel: {kind: layer, models: [m/a, m/b, m/c, m/d]}\n"
TEXTS = {"m/a": "alpha", "m/b": "beta", "m/c": "gamma", "m/d": "delta"}


def labels(shown_to: dict[str, str]) -> dict[str, str]:
    """Label by text."""
    return {text: label for label, text in shown_to.items()}


# --- labels -----------------------------------------------------------------------------------------------------------


async def test_label_is_the_same_everywhere() -> None:
    # semantics 2: the label belongs to the draft: judge and synth of the same drafts see the same labels, same order
    stage = Stage({**TEXTS, "m/j": analysis(), "m/w": "answer"})
    await stage.run(
        PANEL + "j: {kind: judge, model: m/j, inputs: [panel]}\nw: {kind: synth, model: m/w, inputs: [panel, j]}"
    )
    judge, writer = shown(stage.sent("m/j")[0]), shown(stage.sent("m/w")[0])
    assert list(judge.items()) == list(writer.items())
    assert sorted(judge.values()) == sorted(TEXTS.values())


async def test_labels_are_of_the_whole_run() -> None:
    # semantics 2: one run-wide permutation of all draft-writing nodes; a consumer shows its subset in that order, gaps
    # allowed
    stage = Stage({**TEXTS, "m/x": "chi", "m/w": "answer"})
    await stage.run(
        PANEL
        + "x: {kind: proposer, model: m/x, inputs: [panel/a, panel/c]}\n"
        + "w: {kind: synth, model: m/w, inputs: [panel, x]}"
    )
    some, every = shown(stage.sent("m/x")[0]), shown(stage.sent("m/w")[0])
    assert {label: every[label] for label in some} == some
    assert list(every) == sorted(every)
    assert set(every) < set(string.ascii_uppercase[:6])  # six writers, five shown here


async def test_given_order_keeps_the_labels() -> None:
    # semantics 2: `order: given` changes the order, never the labels
    stage = Stage({**TEXTS, "m/j": analysis(), "m/w": "answer"})
    await stage.run(
        PANEL + "j: {kind: judge, model: m/j, inputs: [panel]}\n"
        "w: {kind: synth, model: m/w, inputs: [panel, j], present: {order: given}}"
    )
    judge, writer = shown(stage.sent("m/j")[0]), shown(stage.sent("m/w")[0])
    assert list(writer.values()) == ["alpha", "beta", "gamma", "delta"]
    assert judge == writer


async def test_draft_keeps_its_writer() -> None:
    # semantics 2: a draft keeps the id of the node that wrote it through joins, fallbacks and select
    stage = Stage({**TEXTS, "m/j": choosing("gamma")})
    result = await stage.run(
        PANEL + "best: {kind: judge, mode: select, model: m/j, inputs: [panel]}\n"
        "outer: {kind: layer, members: [best]}\nfinal: {kind: fallback, inputs: [outer]}"
    )
    assert result.answer
    assert (result.answer.text, result.answer.node, result.answer.model) == ("gamma", "panel/c", "m/c")


async def test_draft_that_arrives_twice_is_shown_once() -> None:
    # semantics 2: the same draft arriving twice is shown once
    stage = Stage({**TEXTS, "m/w": "answer"})
    await stage.run(PANEL + "w: {kind: synth, model: m/w, inputs: [panel/a, panel, panel/c]}")
    assert sorted(shown(stage.sent("m/w")[0]).values()) == sorted(TEXTS.values())


async def test_no_model_name_where_blind() -> None:
    # issue 2: no model names where blind, no padding, no error text
    stage = Stage({**TEXTS, "m/b": BROKEN, "m/w": "answer"})
    await stage.run(PANEL + "w: {kind: synth, model: m/w, inputs: [panel]}")
    prompt = stage.prompt("m/w")
    assert not any(model in prompt for model in TEXTS)
    assert "bad_request" not in prompt
    assert len(shown(stage.sent("m/w")[0])) == 3


# --- own drafts -------------------------------------------------------------------------------------------------------

DEBATE = """
opening: {kind: layer, models: [{model: m/a, key: ann}, {model: m/b, key: bob}]}
rebuttal: {kind: layer, models: [{model: m/x, key: ann}, {model: m/y, key: bob}], inputs: [opening], present: {own: %s}}
w: {kind: synth, model: m/w, inputs: [rebuttal]}
"""


@pytest.mark.parametrize(("own", "seen", "marked"), [("show", 2, 0), ("mark", 2, 1), ("hide", 1, 0)])
async def test_own_treats_the_member_of_the_same_key(own: str, seen: int, marked: int) -> None:
    # semantics 2: `present.own: show|mark|hide` treats the member of the same key in an input group
    stage = Stage({"m/a": "by ann", "m/b": "by bob", "*": "text"})
    await stage.run(DEBATE % own)
    call = stage.sent("m/x")[0]
    assert len(shown(call)) == seen
    assert call.messages[-1].text.count("your own earlier draft") == marked
    if own == "hide":
        assert list(shown(call).values()) == ["by bob"]


# --- seeds ------------------------------------------------------------------------------------------------------------


async def test_file_seed_is_the_engines() -> None:
    # semantics 2: the file's `seed` is the engine's (order, random k) and is not sent
    stage = Stage({"*": "text"})
    await stage.run("a: {kind: proposer, model: m/a}", top={"seed": 7})
    assert stage.sent("m/a")[0].sampling.seed is None


async def test_default_and_node_seed_are_sent() -> None:
    # semantics 2: `defaults.seed` or a node's `seed` is sent
    stage = Stage({"*": "text"})
    nodes = "a: {kind: proposer, model: m/a}\nb: {kind: proposer, model: m/b, seed: 5, inputs: [a]}"
    await stage.run(nodes, top={"defaults": {"seed": 4}})
    assert [stage.sent(m)[0].sampling.seed for m in ("m/a", "m/b")] == [4, 5]


async def test_request_seed_sets_both() -> None:
    # semantics 2: a request's `seed` sets both
    stage = Stage({"*": "text"})
    nodes = PANEL + "w: {kind: synth, model: m/w, inputs: [panel]}"
    await stage.run(nodes, seed=11)
    assert stage.sent("m/w")[0].sampling.seed == 11
    orders = set()
    for seed in range(8):
        other = Stage({**TEXTS, "m/w": "answer"})
        await other.run(nodes, seed=seed, top={"seed": 3})
        orders.add(tuple(shown(other.sent("m/w")[0]).values()))
    assert len(orders) > 1


async def test_absent_seed_is_zero_and_not_sent() -> None:
    # semantics 2: absent = 0 for order, nothing sent
    async def order(**top: int) -> list[str]:
        stage = Stage({**TEXTS, "m/w": "answer"})
        await stage.run(PANEL + "w: {kind: synth, model: m/w, inputs: [panel]}", top=top)
        assert all(call.sampling.seed is None for call in stage.sim.received)
        return list(shown(stage.sent("m/w")[0]).values())

    assert await order() == await order(seed=0)


async def test_sent_seed_differs_per_draw() -> None:
    """Self-fusion with a seed still draws different samples."""
    stage = Stage({"*": "7"})
    await stage.run("s: {kind: sample, model: m/a, samples: 3, seed: 5}\nf: {kind: fallback, inputs: [s]}")
    assert len({call.sampling.seed for call in stage.sim.received}) == 3
    assert len({call.draw for call in stage.sim.received}) == 3
