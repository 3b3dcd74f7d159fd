"""OpenRouter's three doors, from outside: which pipeline and which models a request comes to, and how deep it goes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from fusion_graph.messages import Call
from fusion_graph.providers.sim import Script
from fusion_graph.server._auth import Key, digest_of
from tests.server.stand import ANALYSIS, ONE, PANEL, Stand, stand

FORM = """
name: fusion
panel: [a/x, b/y]
judge: j/j
synthesizer: w/w
diversity: false
max_retries: 0
"""
FAST = """
name: general-fast
panel: [b/y]
judge: j/j
synthesizer: w/w
max_retries: 0
"""
RAW = "k" * 20
TOOL = {"type": "openrouter:fusion"}


def judging(call: Call) -> str:
    """Whoever is asked for an analysis gives one."""
    return ANALYSIS if call.sampling.response_format else "A draft."


JUDGES: Script = {"a/x": judging, "b/y": judging}


async def ask(at: Stand, **more: Any) -> tuple[int, Any, list[str]]:
    """Status, body, and the models that were called."""
    before = len(at.upstream.received)
    status, body = await at.ask(**more)
    return status, body, sorted(request.body["model"] for request in at.upstream.received[before:])


@pytest.mark.parametrize(
    ("more", "models"),
    [
        ({"model": "openrouter/fusion"}, ["a/x", "b/y", "j/j", "w/w"]),
        ({"model": "openrouter/fusion:nitro"}, ["a/x", "b/y", "j/j", "w/w"]),
        ({"model": "openrouter/fusion-flash"}, ["b/y", "j/j", "w/w"]),
        ({"plugins": [{"id": "fusion", "preset": "general-fast"}]}, ["b/y", "j/j", "w/w"]),
        ({"plugins": [{"id": "fusion", "analysis_models": ["a/x"] * 2, "model": "b/y"}]}, ["a/x", "a/x", "b/y", "w/w"]),
        ({"model": "openrouter/fusion", "plugins": [{"id": "fusion", "model": "b/y"}]}, ["a/x", "b/y", "b/y", "b/y"]),
        ({"plugins": [{"id": "fusion", "enabled": False}]}, ["w/w"]),
        ({"model": "openrouter/fusion", "tool_choice": "none"}, ["w/w"]),
        ({"model": "b/y", "tools": [TOOL]}, ["a/x", "b/y", "b/y", "j/j"]),
        ({"model": "b/y", "tools": [TOOL], "tool_choice": "none"}, ["b/y"]),
        ({"tools": [{**TOOL, "parameters": {"analysis_models": ["a/x"]}}]}, ["a/x", "j/j", "w/w"]),
        ({"plugins": [{"id": "fusion", "model": "b/y"}], "fusion": {"judge": "a/x"}}, ["a/x", "a/x", "b/y", "w/w"]),
        ({"model": "n/new", "tools": [TOOL]}, ["a/x", "b/y", "j/j", "n/new"]),
    ],
)  # fmt: skip
async def test_a_door_leads_to_models(more: dict[str, Any], models: list[str]) -> None:
    async with stand(JUDGES, FORM, FAST) as at:
        status, body, called = await ask(at, **more)
    assert status == 200, body
    assert called == models
    assert body["fusion"]["config"] == ("general-fast" if "fast" in str(more) or "flash" in str(more) else "fusion")


async def test_the_alias_tells_who_writes() -> None:
    async with stand(None, FORM) as at:
        _, whole = await at.ask(model="openrouter/fusion")
        chunk, *_ = await at.stream(model="openrouter/fusion")
        assert whole["model"] == chunk["model"] == "w/w"
        assert (await at.ask(tools=[TOOL]))[1]["model"] == "fusion"


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"model": "openrouter/fusion-flash"}, 404, "model_not_found"),
        ({"model": "openrouter/other", "tools": [TOOL]}, 400, "model_not_allowed"),
        ({"model": "http://x.example", "tools": [TOOL]}, 404, "model_not_found"),
        ({"plugins": [{"id": "fusion", "preset": "general-high"}]}, 400, "unknown_preset"),
        ({"plugins": [{"id": "fusion", "analysis_models": ["c/new"]}]}, 400, "model_not_allowed"),
    ],
)
async def test_what_is_not_there_is_refused(more: dict[str, Any], status: int, code: str) -> None:
    async with stand(None, FORM, allow_models=("w/*", "openrouter/*")) as at:
        got, body, called = await ask(at, **more)
    if code == "model_not_allowed" and "openrouter" in str(more.get("model")):
        assert got == 200  # the operator's pattern lets it in
        return
    assert (got, body["error"]["code"], called) == (status, code, [])


async def test_what_is_for_the_panel_stays_there() -> None:
    said = {"max_completion_tokens": 77, "temperature": 1.5, "reasoning": {"effort": "low"}}
    async with stand(None, FORM) as at:
        await at.ask(tools=[{**TOOL, "parameters": said}], max_tokens=33)
        sent = {request.body["model"]: request.body for request in at.upstream.received}
    assert [sent[m].get("max_tokens") for m in ("a/x", "b/y", "j/j", "w/w")] == [77, 77, 77, 33]
    assert [sent[m].get("temperature") == 1.5 for m in ("a/x", "b/y", "j/j", "w/w")] == [True, True, False, False]
    assert [sent[m].get("reasoning_effort") for m in ("a/x", "b/y", "j/j", "w/w")] == ["low", "low", "low", None]


@pytest.mark.parametrize(
    ("most", "tokens", "efforts"),
    [
        (None, 2600, ["medium", "low", "low"]),
        (1000, 1, ["minimal"] * 3),
        (1000, 2000, ["xhigh"] * 3),
        (1000, 790, ["high"] * 3),
    ],
)
async def test_tokens_to_think_with_are_an_effort(most: int | None, tokens: int, efforts: list[str]) -> None:
    """Of what each may write, as OpenRouter counts them."""
    form = FORM.replace("[a/x, b/y]", "[{model: a/x, max_tokens: 5000}, b/y]")
    said = {"max_completion_tokens": most, "reasoning": {"max_tokens": tokens}}
    async with stand(None, form) as at:
        _, body = await at.ask(tools=[{**TOOL, "parameters": said}])
        sent = {request.body["model"]: request.body.get("reasoning_effort") for request in at.upstream.received}
    assert [sent[m] for m in ("a/x", "b/y", "j/j", "w/w")] == [*efforts, None]
    assert body["fusion"]["ignored"] == []


@pytest.mark.parametrize("more", [{}, {"plugins": [{"id": "fusion"}]}])
async def test_what_the_tool_leaves_open_is_bounded(more: dict[str, Any]) -> None:
    """Panel and judge alone, and no node that says itself how much it writes."""
    form = FORM.replace("[a/x, b/y]", "[{model: a/x, max_tokens: 50}, b/y]")
    async with stand(None, form) as at:
        await at.ask(tools=[TOOL], **more)
        sent = {request.body["model"]: request.body.get("max_tokens") for request in at.upstream.received}
    assert sent == {"a/x": 50, "b/y": 16_000, "j/j": 16_000, "w/w": None}


async def test_result_is_there_in_its_words() -> None:
    async with stand(None, FORM) as at:
        at.upstream.faults["b/y"].append("500")
        include = {"include": ["responses", "analysis"]}
        _, body = await at.ask(model="openrouter/fusion", fusion=include)
        _, less = await at.ask(model="openrouter/fusion", fusion={"include": ["analysis"]})
    result = body["fusion"]["result"]
    assert (result["type"], result["status"], result["error"]) == ("openrouter:fusion", "ok", None)
    assert set(result["analysis"]) == {
        "consensus", "contradictions", "partial_coverage", "unique_insights", "blind_spots",
    }  # fmt: skip
    assert result["responses"] == [{"model": "a/x", "content": "Draft of a."}]
    assert result["failed_models"] == [{"model": "b/y", "error": "upstream_5xx", "status_code": 500}]
    assert "responses" not in less["fusion"]["result"]


async def test_labels_of_the_judge_are_told_as_models() -> None:
    def verdict(call: Call) -> str:
        labels = re.findall(r"(?m)^<<< draft (\S+) \|", call.messages[-1].text)
        return json.dumps({**json.loads(ANALYSIS), "partial_coverage": [{"models": labels, "point": "p"}]})

    async with stand({"j/j": verdict}, FORM) as at:
        _, body = await at.ask(fusion={"include": ["analysis"]})
    assert sorted(body["fusion"]["result"]["analysis"]["partial_coverage"][0]["models"]) == ["a/x", "b/y"]


@pytest.mark.parametrize(
    ("verdict", "fault", "reason"),
    [
        ("no json", "", "judge_not_valid_json"),
        ("{}", "", "judge_schema_mismatch"),
        ("", "blank", "judge_empty_completion"),
        ("", "500", "judge_upstream_error"),
    ],
)
async def test_a_lost_judge_is_told(verdict: str, fault: str, reason: str) -> None:
    async with stand({"j/j": verdict}, FORM) as at:
        at.upstream.faults["j/j"].extend([fault] * 2)
        _, body = await at.ask(fusion={"include": ["responses", "analysis"]})
    result = body["fusion"]["result"]
    assert (result["status"], result["failure_reason"]) == ("ok", reason)
    assert "analysis" not in result
    assert len(result["responses"]) == 2


async def test_who_may_not_see_drafts_is_told_so() -> None:
    keys = [Key(name="alice", digest=digest_of(RAW))]
    async with stand(None, FORM, keys=keys) as at:
        headers = {"Authorization": f"Bearer {RAW}"}
        body = {"model": "fusion", "input": "Why?", "stream": True, "tools": [TOOL]}
        async with at.session.post(at.url("/v1/responses"), json=body, headers=headers) as response:
            text = await response.text()
    assert "Draft of a." not in text
    assert "tool.result" in text


# --- how deep ---------------------------------------------------------------------------------------------------------


async def test_every_call_is_one_deeper() -> None:
    async with stand(None, FORM, ONE, max_depth=5) as at:
        await at.ask()
        await at.ask(headers={"x-openrouter-fusion-depth": "3"})
        told = [request.headers["x-openrouter-fusion-depth"] for request in at.upstream.received]
    assert told == ["1"] * 4 + ["4"] * 4


@pytest.mark.parametrize("model", ["fusion", "openrouter/fusion", "one"])
async def test_a_fusion_within_a_fusion_is_refused(model: str) -> None:
    async with stand(None, FORM, ONE) as at:
        status, body, called = await ask(at, model=model, headers={"x-openrouter-fusion-depth": "1"})
    assert (status, body["error"]["code"], called) == (400, "fusion_depth_exceeded", [])


async def test_a_model_asked_from_within_answers_alone() -> None:
    async with stand(None, FORM) as at:
        more = {"headers": {"x-openrouter-fusion-depth": "1"}}
        status, body, called = await ask(at, model="b/y", tools=[TOOL], **more)
    assert (status, called) == (200, ["b/y"])
    assert body["fusion"]["ignored"] == ["tool.fusion"]


@pytest.mark.parametrize("depth", ["x", "-1", "1.5", "\u0661", "9" * 50, ""])
async def test_a_depth_that_is_no_number_is_refused(depth: str) -> None:
    async with stand(None, FORM) as at:
        status, body, _ = await ask(at, headers={"x-openrouter-fusion-depth": depth.encode("utf-8").decode("latin-1")})
    assert (status, body["error"]["param"]) == (400, "x-openrouter-fusion-depth")


async def test_a_graph_takes_what_it_declares() -> None:
    async with stand(None, PANEL) as at:
        status, body, _ = await ask(at, plugins=[{"id": "fusion", "model": "a/x"}])
        assert status == 200
        status, body, _ = await ask(at, plugins=[{"id": "fusion", "analysis_models": ["a/x"]}])
    assert (status, body["error"]["param"]) == (400, "fusion.panel")
