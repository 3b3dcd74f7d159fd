"""What issue 2 must show, as tests: sizes, broken nodes, keys, budgets, what each node was sent."""

from __future__ import annotations

import random
import re

import pytest

from fusion_graph.errors import Permanent, Transient, UsageError
from fusion_graph.events import CallFinished, CallStarted, NodeStarted, TextDelta
from fusion_graph.graph.bound import Bound
from fusion_graph.pipeline import Limits
from tests.engine.stage import FLAT, Stage, analysis, entries, shown, start, states
from tests.graph.walk import bound_of, bound_specs, spec

BUDGET = """
panel: {kind: layer, models: [m/a, m/b, m/c]}
judged: {kind: judge, model: m/j, inputs: [panel]}
answer: {kind: synth, model: m/w, inputs: [panel, 'judged?']}
final: {kind: fallback, inputs: [answer, panel]}
"""
TEXTS = {"m/a": "alpha", "m/b": "beta", "m/c": "gamma", "m/j": analysis(), "m/w": "the answer"}


# --- sizes ------------------------------------------------------------------------------------------------------------


async def test_forty_member_panel() -> None:
    stage = Stage({"m/j": analysis(), "m/w": "the answer", "*": "draft"})
    members = ", ".join(f"m/{n}" for n in range(40))
    result = await stage.run(BUDGET.replace("m/a, m/b, m/c", members))
    assert result.text == "the answer"
    assert len(shown(stage.sent("m/w")[0])) == 40
    assert len(stage.asked) == 42


async def test_three_by_eight_layers() -> None:
    stage = Stage({"m/w": "the answer", "*": "draft"})
    members = ", ".join(f"m/{n}" for n in range(8))
    result = await stage.run(
        f"p: {{kind: layer, repeat: 3, models: [{members}]}}\nw: {{kind: synth, model: m/w, inputs: [p]}}"
    )
    assert result.state == "ok"
    assert [len(shown(call)) for call in stage.sent("m/3")] == [0, 8, 8]


async def test_thousand_node_fan_in() -> None:
    specs = [spec(f"n{n}") for n in range(1000)]
    last = spec("w", "synth", [node.id for node in specs], model="m/w")
    stage = Stage({"m/w": "the answer", "*": "draft"})
    result = await stage.run(bound_specs([*specs, last]))
    assert result.text == "the answer"
    assert len(shown(stage.sent("m/w")[0])) == 1000


def sprawl(size: int, seed: int) -> Bound:
    """A random graph whose last node is reached by all others."""
    dice = random.Random(seed)
    specs, free = [], set[str]()
    for n in range(size - 1):
        inputs = [f"n{i}" for i in {dice.randrange(max(0, n - 50), n) for _ in range(dice.randrange(3))}] if n else []
        free.difference_update(inputs)
        free.add(f"n{n}")
        specs.append(spec(f"n{n}", inputs=inputs, prompt="go on"))
    return bound_specs([*specs, spec("w", "synth", sorted(free), model="m/w", prompt="end")])


async def test_ten_thousand_nodes_at_random() -> None:
    stage = Stage({"*": "x"})
    result = await stage.run(sprawl(10_000, 1))
    assert result.state == "ok"
    assert len(stage.asked) == len(stage.heard(NodeStarted)) == 10_000


async def test_drafts_overlap_and_the_rest_follows() -> None:
    """Three drafts at once, then the judge, then the writer, whose answer streams."""
    stage = Stage({**TEXTS, **{m: (0.01, TEXTS[m]) for m in ("m/a", "m/b", "m/c")}})
    run = start(stage, BUDGET, stream=True)
    await stage.sim.until(lambda sim: len(sim.running) == 3)
    result = await run
    assert stage.asked == ["m/a", "m/b", "m/c", "m/j", "m/w"]
    assert stage.streamed == result.text == "the answer"
    assert len(stage.heard(TextDelta)) > 1


# --- broken nodes -----------------------------------------------------------------------------------------------------


async def test_all_members_broken() -> None:
    """Exit 1, every member's own error class shown, nothing invented."""
    stage = Stage(
        {
            "m/a": Permanent("not_found", "no such model (status 404)", status=404),
            "m/b": Transient("upstream_5xx", "overloaded (status 529)", status=529),
        },
        others={"second": {"m/c": Permanent("auth_failed", "key refused (status 401)", status=401)}},
    )
    result = await stage.run(BUDGET.replace("m/c]", "m/c@second]"))
    assert result.answer is None
    assert result.error
    assert result.error.exit_code == 1
    for cause in ("panel/a", "status 404", "panel/b", "status 529", "panel/c", "status 401"):
        assert cause in result.error.message
    assert {reason for _, reason in entries(result)} >= {"not_found", "upstream_5xx", "auth_failed"}
    assert stage.sent("m/w") == stage.sent("m/j") == []


async def test_failures_are_told_by_class_in_file_order() -> None:
    stage = Stage({"m/a": (0.01, Permanent("auth_failed", "no")), "m/b": Permanent("bad_request", "odd"), "*": "x"})
    result = await stage.run("panel: {kind: layer, models: [m/a, m/b]}\nfinal: {kind: fallback, inputs: [panel]}")
    assert result.error is not None
    causes = result.error.message.splitlines()[1:]
    assert [line.split(" (")[0].strip() for line in causes[:2]] == ["panel/a: auth_failed", "panel/b: bad_request"]


async def test_wrong_key_everywhere_is_asked_once_each_at_most() -> None:
    stage = Stage({"*": Permanent("auth_failed", "key refused", status=401)})
    result = await stage.run(BUDGET)
    assert len(stage.asked) <= 3
    assert states(result)["panel/a"] == "failed auth_failed"


async def test_judge_broken_synth_broken() -> None:
    stage = Stage({**TEXTS, "m/j": "garbage", "m/w": Permanent("bad_request", status=400)})
    result = await stage.run(BUDGET)
    assert result.text == "alpha"
    assert entries(result) == [("judged", "abstained"), ("answer", "bad_request")]


# --- what each node was sent ------------------------------------------------------------------------------------------


async def test_drafts_really_reach_the_writer() -> None:
    stage = Stage({**TEXTS, "m/j": analysis(consensus=["they agree on this"])})
    await stage.run(BUDGET, text="What is it?")
    prompt = stage.prompt("m/w")
    assert {"alpha", "beta", "gamma"} == set(shown(stage.sent("m/w")[0]).values())
    assert "they agree on this" in prompt
    assert stage.sent("m/w")[0].messages[0].text == "What is it?"
    assert "What is it?" in stage.prompt("m/j")


async def test_members_see_the_conversation_alone() -> None:
    stage = Stage(TEXTS)
    await stage.run(BUDGET, text="What is it?")
    for model in ("m/a", "m/b", "m/c"):
        (call,) = stage.sent(model)
        assert [(message.role, message.text) for message in call.messages] == [("user", "What is it?")]
        assert call.sampling.response_format is None


async def test_no_names_no_errors_no_padding() -> None:
    stage = Stage({**TEXTS, "m/b": Permanent("not_found", "no such model", status=404), "m/j": "garbage"})
    await stage.run(BUDGET)
    prompt = stage.prompt("m/w")
    for leak in ("m/a", "m/b", "panel/", "no such model", "404", "abstained", "garbage", "None", "null"):
        assert leak not in prompt


# --- money ------------------------------------------------------------------------------------------------------------


async def test_costs_are_the_sum_of_all_attempts() -> None:
    stage = Stage({"m/cheap": [Transient("upstream_5xx", status=500), "text"]}, prices=FLAT)
    result = await stage.run("a: {kind: proposer, model: m/cheap}")
    paid = [event.cost_usd for event in stage.heard(CallFinished)]
    assert result.cost_usd == pytest.approx(sum(cost or 0 for cost in paid))
    assert result.usage.total_tokens == sum(event.usage.total_tokens for event in stage.heard(CallFinished))


async def test_budget_too_small_for_one_writer_call() -> None:
    stage = Stage(TEXTS, prices=FLAT)
    nodes = re.sub(r"m/\w", "m/cheap", BUDGET)
    with pytest.raises(UsageError, match="too small for one call of the final writer"):
        await stage.run(nodes, limits=Limits(budget_usd=0.001))
    assert stage.heard(CallStarted) == []


async def test_simulated_runs_say_so() -> None:
    result = await Stage(TEXTS).run(BUDGET)
    assert result.simulated
    assert all(draft.simulated for draft in result.drafts)


async def test_every_node_has_a_report() -> None:
    result = await Stage(TEXTS).run(bound_of(BUDGET))
    assert [node.id for node in result.nodes] == ["panel/a", "panel/b", "panel/c", "panel", "judged", "answer", "final"]
    assert {node.role for node in result.nodes if node.model} == {"panel", "judge", "synth"}
    assert set(result.timing_s) == {"panel", "judge", "synth", "total"}
