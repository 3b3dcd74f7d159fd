"""Reading OpenRouter's plugin and tool; the result in its words (`_wires/fusion_out`)."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.server._errors import Refused
from fusion_graph.server._wires.asked import Convening
from fusion_graph.server._wires.chat import read_chat
from fusion_graph.server._wires.fusion import TOOL_TOKENS, read_convening
from fusion_graph.server._wires.fusion_out import failure_reason, judge_reason, named
from fusion_graph.server._wires.responses import RESPONSES


def tool(**parameters: Any) -> dict[str, Any]:
    return {"tools": [{"type": "openrouter:fusion", "parameters": parameters}]}


def plugin(**more: Any) -> dict[str, Any]:
    return {"plugins": [{"id": "fusion", **more}]}


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({}, None),
        ({"plugins": [{"id": "web"}]}, None),
        (tool(), Convening(door="tool", else_tokens=TOOL_TOKENS)),
        (plugin(), Convening(door="plugin")),
        (plugin(preset="general-fast"), Convening(door="plugin", preset="general-fast")),
        (
            tool(analysis_models=["a/x", "a/x"], model="j/j", max_completion_tokens=9, temperature=1),
            Convening(
                door="tool", else_tokens=TOOL_TOKENS, panel=("a/x", "a/x"), judge="j/j", max_tokens=9, temperature=1.0
            ),
        ),
        (plugin(max_tool_calls=4, tools=[]), Convening(door="plugin", max_tool_calls=4, tools=())),
        (
            tool(max_tool_calls=16, tools=["web_fetch", {"type": "openrouter:web_search"}]),
            Convening(door="tool", else_tokens=TOOL_TOKENS, max_tool_calls=16, tools=("web_fetch", "web_search")),
        ),
        (
            {**plugin(max_tool_calls=2), **tool(max_tool_calls=9, tools=["x"])},
            Convening(door="plugin", else_tokens=TOOL_TOKENS, max_tool_calls=2, tools=("x",)),
        ),
        (tool(reasoning={"effort": "low"}), Convening(door="tool", else_tokens=TOOL_TOKENS, reasoning_effort="low")),
        (tool(reasoning={"max_tokens": 9}), Convening(door="tool", else_tokens=TOOL_TOKENS, reasoning_tokens=9)),
        (
            {**plugin(model="p/p"), **tool(model="t/t", analysis_models=["a/x"])},
            Convening(door="plugin", else_tokens=TOOL_TOKENS, panel=("a/x",), judge="p/p"),
        ),
    ],
)
def test_what_they_say_is_read(body: dict[str, Any], wanted: Convening | None) -> None:
    assert read_convening(body, []) == (wanted, False)


@pytest.mark.parametrize(
    "body",
    [
        plugin(enabled=False),
        {**tool(), "tool_choice": "none"},
        {"model": "openrouter/fusion:free", "tool_choice": "none"},
    ],
)
def test_writer_may_be_wanted_alone(body: dict[str, Any]) -> None:
    assert read_convening(body, [])[1]


def test_none_on_a_pipeline_only_forbids_calls() -> None:
    assert not read_convening({"model": "fusion", "tool_choice": "none"}, [])[1]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("plugins", {"plugins": "fusion"}),
        ("plugins[0].id", {"plugins": [{}]}),
        ("plugins[0].enabled", plugin(enabled="no")),
        ("plugins[0].analysis_models", plugin(analysis_models=[])),
        ("plugins[0].analysis_models", plugin(analysis_models=["a/x"] * 9)),
        ("plugins[0].max_tool_calls", plugin(max_tool_calls=17)),
        ("plugins[0].max_tool_calls", plugin(max_tool_calls=0)),
        ("plugins[0].tools[0].type", plugin(tools=[{}])),
        ("plugins[0].tools", plugin(tools=["x"] * 9)),
        ("plugins[0].api_key", plugin(api_key="x")),
        ("tools[0].parameters.base_url", tool(base_url="http://x.example")),
        ("tools[0].parameters.tools", tool(tools=[{}] * 9)),
        ("tools[0].parameters.max_completion_tokens", tool(max_completion_tokens=0)),
        ("tools[0].parameters.temperature", tool(temperature=3)),
        ("tools[0].parameters.reasoning.max_tokens", tool(reasoning={"max_tokens": "many"})),
        ("tools[0].parameters.reasoning.max_tokens", tool(reasoning={"effort": "low", "max_tokens": 0})),
        ("tools[0].parameters.reasoning.effort", tool(reasoning={"effort": "huge"})),
        ("tools[0].parameters.analysis_models[1]", tool(analysis_models=["a/x", 7])),
    ],
)
def test_limits_are_kept(path: str, body: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        read_convening(body, [])
    assert refused.value.param == path


def test_what_has_no_effect_is_named() -> None:
    ignored: list[str] = []
    body = {**plugin(max_tool_calls=4, odd=1), **tool(cache_control={}, reasoning={"effort": "low", "max_tokens": 5})}
    read_convening(body, ignored)
    assert ignored == [
        "tools[0].parameters.cache_control",
        "tools[0].parameters.reasoning.max_tokens",
        "plugins[0].odd",
    ]


def test_tool_is_none_of_the_clients() -> None:
    own = {"type": "function", "function": {"name": "look_up"}}
    hosted = [{"type": "openrouter:fusion"}, {"type": "openrouter:datetime"}]
    chat = {"model": "x", "messages": [{"role": "user", "content": "x"}], "tools": [*hosted, own]}
    asked = read_chat({**chat, "tool_choice": {"type": "openrouter:fusion"}}, max_n=8)
    assert asked.writer is not None
    assert asked.writer.tools == (own,)
    assert asked.writer.tool_choice is None
    assert asked.ignored == ("tools[1].openrouter:datetime",)
    again = RESPONSES.read({"model": "x", "input": "x", "tools": hosted}, 8)[0]
    assert again.writer is None
    assert again.convening == asked.convening == Convening(door="tool", else_tokens=TOOL_TOKENS)


def test_labels_become_models() -> None:
    found: dict[str, Any] = {
        "consensus": ["A and B agree"],
        "contradictions": [{"topic": "t", "stances": [{"model": "A", "stance": "yes"}]}],
        "partial_coverage": [{"models": ["B", "C"], "point": "p"}],
        "unique_insights": [{"model": "b/y", "insight": "i"}],
        "blind_spots": [],
    }
    told = named(found, {"A": "a/x", "B": "b/y"})
    assert told["contradictions"][0]["stances"] == [{"model": "a/x", "stance": "yes"}]
    assert told["partial_coverage"][0]["models"] == ["b/y", "C"]
    assert told["unique_insights"] == found["unique_insights"]


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        (["upstream_5xx"], "all_panels_failed"),
        (["upstream_5xx", "insufficient_credits"], "insufficient_credits"),
        (["rate_limited", "upstream_5xx"], "rate_limited"),
        (["invalid_model"], "invalid_model"),
        (["invalid_model", "upstream_5xx"], "all_panels_failed"),
    ],
)
def test_a_lost_panel_has_one_reason(reasons: list[str], told: str) -> None:
    assert failure_reason([{"error": reason} for reason in reasons]) == told


@pytest.mark.parametrize(
    ("reason", "detail", "told"),
    [
        ("abstained", "judge_not_valid_json: it holds no valid JSON object", "judge_not_valid_json"),
        ("abstained", "judge_schema_mismatch: there is no draft 'B'", "judge_schema_mismatch"),
        ("empty_output", "", "judge_empty_completion"),
        ("unusable:blank", "", "judge_empty_completion"),
        ("upstream_5xx", "", "judge_upstream_error"),
    ],
)
def test_a_lost_judge_has_its_reason(reason: str, detail: str, told: str) -> None:
    assert judge_reason(reason, detail) == told
