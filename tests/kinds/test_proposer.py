"""proposer: the conversation alone, or drafts to improve on."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.contracts import Ask, Calls
from fusion_graph.errors import NodeFailed
from fusion_graph.kinds.proposer import KIND
from fusion_graph.messages import Completion, Message, ToolCall
from fusion_graph.outputs import Draft
from tests.kinds.scripted import ASKED, Scripted, draft, drafts, inputs, make_node, run


async def test_conversation_alone_passes_as_it_is() -> None:
    ctx = Scripted(make_node(KIND), [], "42")
    assert await run(ctx) == Draft(text="42", node="n", model="vendor/model")
    assert ctx.asks == [Ask(ASKED, "final")]
    assert ctx.asks[0].messages is ctx.conversation


async def test_drafts_come_behind_the_conversation() -> None:
    ctx = Scripted(make_node(KIND), inputs(panel=drafts("a", "b")), "42")
    await run(ctx)
    (ask,) = ctx.asks
    assert ask.messages[:-1] == ASKED
    assert ask.messages[-1].role == "user"
    assert "text of a" in ctx.prompts[0]
    assert "Write your own reply" in ctx.prompts[0]


async def test_prompt_replaces_the_kinds_words() -> None:
    node = make_node(KIND, prompt="Weigh, then answer. {{question}} {{drafts}}")
    ctx = Scripted(node, inputs(panel=drafts("a")), "42")
    await run(ctx)
    assert "Weigh, then answer. What is six times seven?" in ctx.prompts[0]
    assert "text of a" in ctx.prompts[0]
    assert "Write your own reply" not in ctx.prompts[0]


async def test_prompt_without_drafts_hides_them() -> None:
    ctx = Scripted(make_node(KIND, prompt="Answer plainly."), inputs(panel=drafts("a")), "42")
    await run(ctx)
    assert ctx.prompts == ["Answer plainly."]


async def test_system_leads_the_unchanged_conversation() -> None:
    ctx = Scripted(make_node(KIND, system="Doubt everything, {{params.tone}}."), [], "42", params={"tone": "kindly"})
    await run(ctx)
    assert ctx.asks[0].messages == (Message("system", "Doubt everything, kindly."), *ASKED)


async def test_hidden_drafts_leave_the_conversation_alone() -> None:
    """semantics 2: `present.own` treats the member of the same key in an input group."""
    node = make_node(KIND, "rebuttal/ann", present={"own": "hide"})
    ctx = Scripted(node, inputs(opening=drafts("opening/ann")), "42")
    await run(ctx)
    assert ctx.asks[0].messages == ASKED


@pytest.mark.parametrize(
    ("reply", "marked"),
    [
        ({"text": "x", "finish_reason": "length"}, {"truncated": True}),
        ({"text": "x", "refusal": "no"}, {"refusal": "no"}),
        ({"text": "x", "finish_reason": "content_filter"}, {"refused": True}),
        ({"text": "x", "simulated": True}, {"simulated": True}),
        ({"text": "x", "model": "vendor/real-name"}, {"model": "vendor/real-name"}),
        ({"text": "so: 1,000"}, {"answer": "1000"}),
    ],
)
async def test_draft_is_marked(reply: dict[str, Any], marked: dict[str, Any]) -> None:
    """design 2: refusals and cut-offs are marked in any case. semantics 1: a draft carries its `answer`."""
    found = await run(Scripted(make_node(KIND, extract="last_number"), [], Completion(**reply)))
    assert {name: getattr(found, name) for name in marked} == marked


async def test_tool_calls_pass_through() -> None:
    """semantics 3: a draft with tool calls is an answer."""
    calls = (ToolCall(id="1", name="search", arguments="{}"),)
    ctx = Scripted(make_node(KIND), [], Completion(tool_calls=calls, finish_reason="tool_calls"))
    assert (await run(ctx)).tool_calls == calls


async def test_failure_is_the_nodes_failure() -> None:
    with pytest.raises(NodeFailed, match="rate_limited"):
        await run(Scripted(make_node(KIND), [], NodeFailed("rate_limited")))


async def test_draft_with_braces_stays_as_it_is() -> None:
    """design 2: prompts are filled once, in one pass."""
    node = make_node(KIND, prompt="{{drafts}} {{question}}")
    ctx = Scripted(node, inputs(one=draft("a", "say {{question}}")), "42")
    await run(ctx)
    assert "say {{question}}" in ctx.prompts[0]


def test_it_makes_one_call() -> None:
    assert KIND.calls(make_node(KIND), 5) == Calls(1, 1)
    assert (KIND.writes, KIND.presents, KIND.needs_draft) == (True, True, False)
