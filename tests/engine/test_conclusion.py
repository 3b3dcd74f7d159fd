"""The end of a run: its answer, all its texts, or why there is none."""

from __future__ import annotations

import pytest

from fusion_graph.errors import Permanent
from fusion_graph.events import Degraded, RunFinished
from fusion_graph.messages import Completion
from tests.engine.stage import Stage, entries

ONE = "a: {kind: proposer, model: m/a}"


def ended(stage: Stage) -> str:
    assert isinstance(stage.events[-1], RunFinished)
    return stage.events[-1].state


async def test_failure_is_a_result() -> None:
    stage = Stage({"*": Permanent("bad_request", "the model said no", status=400)})
    result = await stage.run(ONE)
    assert result.error
    assert (result.state, ended(stage), result.error.reason) == ("failed", "failed", "bad_request")
    for said in ("a: ", "bad_request", "m/a: the model said no"):
        assert said in result.error.message


@pytest.mark.parametrize(
    ("reply", "state"), [("text", "ok"), (Completion(text="cut", finish_reason="length"), "degraded")]
)
async def test_state_of_the_run(reply: str | Completion, state: str) -> None:
    stage = Stage({"*": reply})
    result = await stage.run(ONE)
    assert (result.state, ended(stage)) == (state, state)


async def test_same_text_for_every_choice_is_degraded() -> None:
    # semantics 3: falling back gives the same text n times, degraded
    stage = Stage({"m/a": "alpha", "m/w": Permanent("bad_request")})
    nodes = "p: {kind: layer, models: [m/a]}\nw: {kind: synth, model: m/w, inputs: [p]}\n"
    nodes += "f: {kind: fallback, inputs: [w, p]}"
    result = await stage.run(nodes, n=2)
    assert [draft.text for draft in result.choices] == ["alpha", "alpha"]
    assert "single_choice" in {reason for _, reason in entries(result)}
    assert any(isinstance(event, Degraded) for event in stage.events)
