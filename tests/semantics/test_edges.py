"""Section 1 on whole runs: tolerance sits on the edge, and what a consumer then receives."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.errors import Permanent, PipelineError
from tests.engine.stage import Stage, analysis, shown, start, states
from tests.graph.walk import NEVER, bound_of

BROKEN = Permanent("bad_request", "no", status=400)
PAIR = """
a: {kind: proposer, model: m/a}
b: {kind: proposer, model: m/b}
"""
SKIPPED = """
a: {kind: proposer, model: m/a}
b: {kind: proposer, model: m/b, when: {params.go: {equals: true}}}
"""
LAST = "last: {kind: proposer, model: m/last}\n"


def ending(consumer: str) -> str:
    """A consumer `c` behind a fallback, so that the run has an answer whatever becomes of it."""
    return f"{consumer}\n{LAST}final: {{kind: fallback, inputs: [c, last]}}"


# --- bare input -------------------------------------------------------------------------------------------------------


async def test_bare_input_with_a_value_is_used() -> None:
    # semantics 1: bare input, value (ok, cached, replayed): used
    stage = Stage({"m/a": "alpha", "m/b": "beta", "m/c": "gamma"})
    result = await stage.run(PAIR + ending("c: {kind: synth, model: m/c, inputs: [a, b]}"))
    assert result.text == "gamma"
    assert sorted(shown(stage.sent("m/c")[0]).values()) == ["alpha", "beta"]
    assert result.state == "ok"


async def test_bare_input_that_is_skipped_skips() -> None:
    # semantics 1: bare input, skipped: consumer skipped `upstream:<id>`
    stage = Stage({"*": "text"})
    top = {"params": NEVER}
    result = await stage.run(SKIPPED + ending("c: {kind: synth, model: m/c, inputs: [a, b]}"), top=top)
    assert states(result)["b"] == "skipped when"
    assert states(result)["c"] == "skipped upstream:b"
    assert stage.sent("m/c") == []


async def test_bare_input_that_failed_fails_at_once() -> None:
    # semantics 1: bare input, failed: consumer failed `upstream:<id>`, at once
    stage = Stage({"m/a": (asyncio.Event(),), "m/b": BROKEN, "m/last": "rescue"})
    result = await stage.run(PAIR + ending("c: {kind: synth, model: m/c, inputs: [a, b]}"))
    assert states(result)["c"] == "failed upstream:b"
    assert states(result)["a"] == "cancelled not_needed"
    assert result.text == "rescue"


async def test_failed_wins_over_skipped() -> None:
    # semantics 1: if a failed and a skipped required input meet, failed wins
    stage = Stage({"m/a": BROKEN, "*": "text"})
    top = {"params": NEVER}
    result = await stage.run(SKIPPED + ending("c: {kind: synth, model: m/c, inputs: [b, a]}"), top=top)
    assert states(result)["c"] == "failed upstream:a"


# --- optional input ---------------------------------------------------------------------------------------------------


async def test_optional_input_is_waited_for() -> None:
    # semantics 1: `id?` is optional; both are waited for until they settle
    gate = asyncio.Event()
    stage = Stage({"m/a": "alpha", "m/b": (gate, "beta"), "m/c": "gamma"})
    run = start(stage, PAIR + ending("c: {kind: synth, model: m/c, inputs: [a, 'b?']}"))
    await stage.sim.until(lambda sim: [c.model for c in sim.running] == ["m/b"])
    assert stage.sent("m/c") == []
    gate.set()
    await run
    assert sorted(shown(stage.sent("m/c")[0]).values()) == ["alpha", "beta"]


async def test_optional_input_that_failed_is_absent() -> None:
    # semantics 1: `id?`, failed: absent; no error text reaches the consumer
    stage = Stage({"m/a": "alpha", "m/b": Permanent("bad_request", "SECRET FAULT"), "m/c": "gamma"})
    result = await stage.run(PAIR + ending("c: {kind: synth, model: m/c, inputs: [a, 'b?']}"))
    assert result.text == "gamma"
    assert list(shown(stage.sent("m/c")[0]).values()) == ["alpha"]
    assert "SECRET" not in stage.prompt("m/c")


async def test_optional_input_that_is_skipped_is_absent() -> None:
    # semantics 1: `id?`, skipped: absent
    stage = Stage({"m/a": "alpha", "m/c": "gamma"})
    top = {"params": NEVER}
    result = await stage.run(SKIPPED + ending("c: {kind: synth, model: m/c, inputs: [a, 'b?']}"), top=top)
    assert result.state == "ok"
    assert list(shown(stage.sent("m/c")[0]).values()) == ["alpha"]


@pytest.mark.parametrize("kind", ["synth", "judge"])
async def test_no_draft_left_fails(kind: str) -> None:
    # semantics 1: judge, synth (and refine) need one draft after optional edges fell away, else failed `no_input`
    stage = Stage({"m/a": BROKEN, "m/b": BROKEN, "m/last": "rescue"})
    reader = "reads: {kind: synth, model: m/r, inputs: ['c?', last]}\n" if kind == "judge" else ""
    final = "final: {kind: fallback, inputs: [%s, last]}" % ("reads" if reader else "c")
    result = await stage.run(f"{PAIR}c: {{kind: {kind}, model: m/c, inputs: ['a?', 'b?']}}\n{LAST}{reader}{final}")
    assert states(result)["c"] == "failed no_input"
    assert stage.sent("m/c") == []


# --- members, options, after, when ------------------------------------------------------------------------------------


async def test_group_member_counts_for_against_or_not() -> None:
    # semantics 1: group member: value counts to the quorum, skipped neither, failed against
    nodes = (
        SKIPPED
        + "x: {kind: proposer, model: m/x}\np: {kind: layer, members: [a, b, x], quorum: %s}\n"
        + ending("c: {kind: synth, model: m/c, inputs: [p]}")
    )
    both = await Stage({"*": "text"}).run(nodes % 2, top={"params": NEVER})
    assert states(both)["p"] == "ok"
    one = await Stage({"m/x": BROKEN, "*": "text"}).run(nodes % 2, top={"params": NEVER})
    assert states(one)["p"] == "failed quorum_not_met"
    every = await Stage({"*": "text"}).run(nodes % "all", top={"params": NEVER})
    assert states(every)["p"] == "ok"


async def test_group_of_skipped_members_is_skipped() -> None:
    # semantics 1: all skipped = group skipped
    nodes = "p: {kind: layer, models: [m/a, m/b], when: {params.go: {equals: true}}}\n" + ending(
        "c: {kind: synth, model: m/c, inputs: [p]}"
    )
    stage = Stage({"*": "text"})
    result = await stage.run(nodes, top={"params": NEVER})
    assert states(result)["p"].startswith("skipped upstream:")
    assert states(result)["c"] == "skipped upstream:p"
    assert stage.asked == ["m/last"]


async def test_unreachable_quorum_fails_at_once() -> None:
    # semantics 1: quorum out of reach = group failed `quorum_not_met`, at once
    gate = asyncio.Event()
    stage = Stage({"m/a": BROKEN, "m/b": (gate, BROKEN), "m/c": (asyncio.Event(),), "m/last": "rescue"})
    group = "p: {kind: layer, models: [m/a, m/b, m/c], quorum: 2}\n"
    run = start(stage, group + ending("c: {kind: synth, model: m/w, inputs: [p]}"))
    await stage.sim.called("m/c")
    gate.set()
    result = await run
    assert states(result)["p"] == "failed quorum_not_met"
    assert [call.model for call in stage.sim.cancelled] == ["m/c"]


async def test_fallback_takes_the_first_with_a_value() -> None:
    # semantics 1: fallback option (needs no `?`): taken, or next option when skipped or failed
    nodes = SKIPPED + "x: {kind: proposer, model: m/x}\nfinal: {kind: fallback, inputs: [b, a, x]}"
    stage = Stage({"m/a": BROKEN, "m/x": "third"})
    result = await stage.run(nodes, top={"params": NEVER})
    assert result.text == "third"
    assert stage.asked == ["m/a", "m/x"]


@pytest.mark.parametrize("first", ["fine", BROKEN])
async def test_after_goes_whatever_happened(first: str | Permanent) -> None:
    # semantics 1: `after`: go, go, go; it orders without data
    stage = Stage({"m/a": first, "m/c": "gamma"})
    result = await stage.run("a: {kind: proposer, model: m/a}\nc: {kind: proposer, model: m/c, after: [a]}")
    assert result.text == "gamma"
    assert stage.asked == ["m/a", "m/c"]
    assert stage.prompt("m/c") == "Why?"


async def test_after_waits_for_a_skipped_node_too() -> None:
    stage = Stage({"*": "text"})
    skipped = "b: {kind: proposer, model: m/b, when: {params.go: {equals: true}}}\n"
    nodes = skipped + "c: {kind: proposer, model: m/c, after: [b]}"
    result = await stage.run(nodes, top={"params": NEVER})
    assert states(result) == {"b": "skipped when", "c": "ok"}


@pytest.mark.parametrize(
    ("judged", "state"),
    [(analysis(blind_spots=["x"]), "ok"), (analysis(), "skipped when"), (BROKEN, "skipped when")],
    ids=["field is read", "false", "failed"],
)
async def test_node_named_in_when(judged: str | Permanent, state: str) -> None:
    # semantics 1: node named in `when`: field is read; skipped or failed: condition false
    stage = Stage({"m/j": judged, "*": "text"})
    nodes = "a: {kind: proposer, model: m/a}\nj: {kind: judge, model: m/j, inputs: [a]}\n" + ending(
        "c: {kind: synth, model: m/c, inputs: [a], when: {j.blind_spots: {above: 0}}}"
    )
    assert states(await stage.run(nodes))["c"] == state


# --- what the file must not say ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["quorum: 1", "grace_s: 2"])
def test_quorum_belongs_to_groups(option: str) -> None:
    # semantics 1: elsewhere they are a load error that says "put these nodes in a layer with `members`"
    with pytest.raises(PipelineError, match="put these nodes in a layer with `members`"):
        bound_of(PAIR + f"c: {{kind: synth, model: m/c, inputs: [a, b], {option}}}")


@pytest.mark.parametrize("options", ["", ", models: [m/x], members: [a, b]"])
def test_layer_has_models_or_members(options: str) -> None:
    # semantics 1: a layer has exactly one of `models:` and `members:`
    with pytest.raises(PipelineError, match="exactly one of `models`"):
        bound_of(PAIR + f"p: {{kind: layer{options}}}\nc: {{kind: synth, model: m/c, inputs: [p, a, b]}}")


async def test_members_may_be_groups() -> None:
    # semantics 1: `members: [ids]` groups existing nodes or groups
    stage = Stage({"m/a": "alpha", "m/x": "chi", "m/y": "psi", "m/c": "gamma"})
    result = await stage.run("""
        a: {kind: proposer, model: m/a}
        inner: {kind: layer, models: [m/x, m/y]}
        outer: {kind: layer, members: [inner, a]}
        c: {kind: synth, model: m/c, inputs: [outer], present: {order: given}}
        """)
    assert list(shown(stage.sent("m/c")[0]).values()) == ["chi", "psi", "alpha"]
    assert result.text == "gamma"


@pytest.mark.parametrize("kind", ["judge", "synth"])
def test_without_any_draft_input_in_the_file(kind: str) -> None:
    # semantics 1: without any draft input in the file: load error
    judged = "a: {kind: proposer, model: m/a}\nj: {kind: judge, model: m/j, inputs: [a]}\n"
    node = f"c: {{kind: {kind}, model: m/c, inputs: {'[j]' if kind == 'synth' else '[]'}}}\n"
    end = "d: {kind: synth, model: m/d, inputs: [a, c]}" if kind == "judge" else ""
    with pytest.raises(PipelineError, match=r"FG30|FG40"):
        bound_of(judged + node + end)
