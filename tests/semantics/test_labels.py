"""Section 2: the label belongs to the draft; order, seeds, scores, refine's inputs, `{{input.<id>}}`."""

from __future__ import annotations

import json
import string

import pytest

from fusion_graph.errors import Permanent, PipelineError
from tests.engine.stage import Stage, analysis, choosing, critique, entries, grading, ranking, shown, states
from tests.graph.walk import NEVER, bound_of

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


# --- scores -----------------------------------------------------------------------------------------------------------

TRIES = "tries: {kind: layer, models: [m/a, m/b, m/c]}\n"
SAID = {"m/a": "low", "m/b": "mid", "m/c": "top"}


async def test_several_judges_median() -> None:
    # semantics 2: several judges: median score
    stage = Stage(
        {
            **SAID,
            "m/1": grading(low=1, mid=9, top=5),
            "m/2": grading(low=2, mid=1, top=6),
            "m/3": grading(low=3, mid=2, top=7),
        }
    )
    judges = "".join(f"j{n}: {{kind: judge, mode: score, model: m/{n}, inputs: [tries]}}\n" for n in (1, 2, 3))
    result = await stage.run(TRIES + judges + "final: {kind: fallback, pick: best_score, inputs: [tries, j1, j2, j3]}")
    assert result.text == "top"


async def test_several_rankings_mean() -> None:
    # semantics 2: or mean rank (Borda)
    stage = Stage({**SAID, "m/1": ranking("mid", "top", "low"), "m/2": ranking("top", "low", "mid")})
    judges = "".join(f"j{n}: {{kind: judge, mode: rank, model: m/{n}, inputs: [tries]}}\n" for n in (1, 2))
    result = await stage.run(TRIES + judges + "final: {kind: fallback, pick: best_score, inputs: [tries, j1, j2]}")
    assert result.text == "top"


async def test_top_k_shows_the_best() -> None:
    # semantics 2: `select: {top: k}` takes scores from the scoring judges among the node's own inputs
    stage = Stage({**SAID, "m/1": grading(low=1, mid=5, top=9), "m/w": "answer"})
    await stage.run(
        TRIES + "j: {kind: judge, mode: score, model: m/1, inputs: [tries]}\n"
        "w: {kind: synth, model: m/w, inputs: [tries, 'j?'], present: {select: {top: 2}}}"
    )
    assert sorted(shown(stage.sent("m/w")[0]).values()) == ["mid", "top"]


async def test_absent_scores_leave_the_given_order() -> None:
    # semantics 2: absent at run time: given order, degraded
    stage = Stage({**SAID, "m/1": BROKEN, "m/w": "answer"})
    result = await stage.run(
        TRIES + "j: {kind: judge, mode: score, model: m/1, inputs: [tries]}\n"
        "w: {kind: synth, model: m/w, inputs: [tries, 'j?'], present: {select: {top: 2}}}"
    )
    assert sorted(shown(stage.sent("m/w")[0]).values()) == ["low", "mid"]
    assert ("w", "no_scores") in entries(result)


async def test_fallback_without_scores_takes_the_first() -> None:
    # semantics 2: absent at run time: given order, degraded
    stage = Stage({**SAID, "m/1": BROKEN})
    result = await stage.run(
        TRIES + "j: {kind: judge, mode: score, model: m/1, inputs: [tries]}\n"
        "final: {kind: fallback, pick: best_score, inputs: [tries, j]}"
    )
    assert result.text == "low"
    assert result.state == "degraded"


async def test_random_k_is_the_seeds() -> None:
    # semantics 2: the file's `seed` is the engine's (order, random k)
    async def choice(seed: int) -> tuple[str, ...]:
        stage = Stage({**TEXTS, "m/w": "answer"})
        node = "w: {kind: synth, model: m/w, inputs: [panel], present: {select: {random: 2}}}"
        await stage.run(PANEL + node, top={"seed": seed})
        return tuple(shown(stage.sent("m/w")[0]).values())

    assert await choice(1) == await choice(1)
    found = {await choice(seed) for seed in range(12)}
    assert {len(drafts) for drafts in found} == {2}
    assert len({frozenset(drafts) for drafts in found}) > 2


@pytest.mark.parametrize(
    "node",
    [
        "w: {kind: synth, model: m/w, inputs: [tries], present: {select: {top: 2}}}",
        "w: {kind: fallback, pick: best_score, inputs: [tries]}",
    ],
)
def test_scores_without_a_judge_are_a_load_error(node: str) -> None:
    # semantics 2: from the scoring judges among the node's own inputs, else load error
    with pytest.raises(PipelineError, match="FG403"):
        bound_of(TRIES + node)


def test_reducers_hold_for_groups_only() -> None:
    # semantics 2: reducers hold for groups only
    with pytest.raises(PipelineError, match="FG405"):
        bound_of("a: {kind: proposer, model: m/a}\nf: {kind: fallback, pick: longest, inputs: [a]}")


@pytest.mark.parametrize(("both", "calls"), [("", 3), (", both_orders: true", 6)])
async def test_pairs_are_compared_one_by_one(both: str, calls: int) -> None:
    # semantics 2: `compare: pairs` = n(n-1)/2 calls, doubled by `both_orders`, won pairs counted in code
    def better(call: object) -> str:
        pair = labels(shown(call))  # type: ignore[arg-type]
        best = next(text for text in ("top", "mid", "low") if text in pair)
        return json.dumps({"reason": "", "winner": pair[best]})

    stage = Stage({**SAID, "m/1": better})
    result = await stage.run(
        TRIES + f"j: {{kind: judge, mode: rank, compare: pairs{both}, model: m/1, inputs: [tries]}}\n"
        "final: {kind: fallback, pick: best_score, inputs: [tries, j]}"
    )
    assert result.text == "top"
    assert len(stage.sent("m/1")) == calls


def test_stop_belongs_to_samples() -> None:
    # semantics 2: `stop` is sample's; stop texts are `stop_sequences`
    with pytest.raises(PipelineError, match="FG111"):
        bound_of("a: {kind: proposer, model: m/a, stop: ['x']}")


async def test_stop_sequences_are_sent() -> None:
    stage = Stage({"*": "text"})
    await stage.run("a: {kind: proposer, model: m/a, stop_sequences: [END]}")
    assert stage.sent("m/a")[0].sampling.stop_sequences == ("END",)


# --- refine and prompts -----------------------------------------------------------------------------------------------


async def test_refine_reworks_its_first_draft() -> None:
    # semantics 2: refine: the first draft input is the text to refine; other drafts and analyses are reference
    stage = Stage({"m/p": "the parent", "m/o": "the other", "m/r": [critique("weak"), "the revision"]})
    result = await stage.run("""
        parent: {kind: proposer, model: m/p}
        other: {kind: proposer, model: m/o}
        better: {kind: refine, model: m/r, inputs: [parent, 'other?']}
        """)
    assert result.text == "the revision"
    critic, writer = stage.sent("m/r")
    assert list(shown(critic).values()) == list(shown(writer).values()) == ["the other"]
    assert "the parent" in critic.messages[-1].text
    assert "the parent" in writer.messages[-1].text
    assert "weak" in writer.messages[-1].text


def test_text_to_refine_must_be_bare() -> None:
    # semantics 2: the first draft input must be bare
    with pytest.raises(PipelineError, match="FG404"):
        bound_of("a: {kind: proposer, model: m/a}\nr: {kind: refine, model: m/r, inputs: ['a?']}")


async def test_one_input_in_a_prompt() -> None:
    # semantics 2: `{{input.<id>}}` in a prompt shows one input, the rest stays in `{{drafts}}`
    stage = Stage({"m/a": "alpha", "m/b": "beta", "m/c": "text"})
    await stage.run("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b}
        c: {kind: proposer, model: m/c, inputs: [a, b], prompt: 'ONE {{input.a}} REST {{drafts}} ASKED {{question}}'}
        """)
    one, _, rest = stage.sent("m/c")[0].messages[-1].text.partition("REST")
    assert "alpha" in one
    assert "beta" not in one
    assert "beta" in rest
    assert "alpha" not in rest
    assert rest.endswith("ASKED Why?")


async def test_templates_are_filled_in_one_pass() -> None:
    # design 2: replaced once, in one pass: a draft that contains `{{...}}` stays as it is
    stage = Stage({"m/a": "say {{question}}", "*": "text"})
    await stage.run("""
        a: {kind: proposer, model: m/a}
        c: {kind: proposer, model: m/c, inputs: [a], prompt: '{{drafts}}'}
        """)
    assert "say {{question}}" in stage.prompt("m/c")


async def test_skipped_draft_leaves_a_gap() -> None:
    # semantics 2: gaps allowed: the labels of the others do not move
    nodes = """
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b%s}
        c: {kind: proposer, model: m/c}
        w: {kind: synth, model: m/w, inputs: [a, 'b?', c]}
        """
    every = Stage({**TEXTS, "m/w": "answer"})
    await every.run(nodes % "")
    fewer = Stage({**TEXTS, "m/w": "answer"})
    result = await fewer.run(nodes % ", when: {params.go: {equals: true}}", top={"params": NEVER})
    assert states(result)["b"] == "skipped when"
    all_labels, some_labels = labels(shown(every.sent("m/w")[0])), labels(shown(fewer.sent("m/w")[0]))
    assert some_labels == {text: all_labels[text] for text in ("alpha", "gamma")}
