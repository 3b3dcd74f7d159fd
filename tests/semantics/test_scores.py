"""Section 2: scores, refine's inputs, `{{input.<id>}}`."""

from __future__ import annotations

import json

import pytest

from fusion_graph.errors import PipelineError
from tests.engine.stage import Stage, critique, entries, grading, ranking, shown, states
from tests.graph.walk import NEVER, bound_of
from tests.semantics.test_labels import BROKEN, PANEL, TEXTS, labels

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
