"""Reading a Messages body: what is honoured, left out and named, refused with its exact path. Its blocks
(`_wires/blocks`) are tested here."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.messages import Message, ToolCall
from fusion_graph.server._errors import Refused
from fusion_graph.server._wires.asked import Asked
from fusion_graph.server._wires.messages import read_messages_body

USER = {"role": "user", "content": "Why?"}
TOOL = {"name": "look_up", "description": "Looks.", "input_schema": {"type": "object"}}
BASH = {"type": "bash_20250124", "name": "bash"}
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
PDF = {
    "type": "document",
    "title": "A",
    "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
}


def read(**more: Any) -> Asked:
    body = {"model": "fusion", "max_tokens": 10, "messages": [USER], **more}
    return read_messages_body({name: value for name, value in body.items() if value is not None})


def user(*blocks: Any) -> list[Any]:
    return [{"role": "user", "content": list(blocks)}]


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def path_of(**more: Any) -> str:
    """Where the mistake is: every message begins with it."""
    with pytest.raises(Refused) as refused:
        read(**more)
    assert refused.value.http_status == 400
    assert refused.value.param
    return refused.value.param


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("model", {"model": 7}),
        ("max_tokens", {"max_tokens": None}),
        ("max_tokens", {"max_tokens": -1}),
        ("messages", {"messages": []}),
        ("messages", {"messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": "x"}]}]}),
        ("messages[0]", {"messages": ["x"]}),
        ("messages[0].role", {"messages": [{"role": "tool", "content": "x"}]}),
        ("messages[0].content", {"messages": [{"role": "user"}]}),
        ("messages[0].content[0]", {"messages": user("x")}),
        ("messages[0].content[0].type", {"messages": user({"text": "x"})}),
        ("messages[0].content[0].text", {"messages": user({"type": "text"})}),
        ("messages[0].content[0].source", {"messages": user({"type": "image"})}),
        ("messages[0].content[0].source.type", {"messages": user({"type": "image", "source": {"type": "file"}})}),
        ("messages[0].content[0].tool_use_id", {"messages": user({"type": "tool_result"})}),
        (
            "messages[0].content[0].input",
            {
                "messages": [
                    {
                        "role": "assistant",
                        "content": [{"type": "tool_use", "id": "a", "name": "x", "input": {"n": float("inf")}}],
                    }
                ]
            },
        ),
        (
            "messages[0].content[0].input",
            {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "b"}]}]},
        ),
        ("system", {"system": 7}),
        ("system[0].text", {"system": [{"type": "text"}]}),
        ("stream", {"stream": "yes"}),
        ("temperature", {"temperature": 3}),
        ("stop_sequences[0]", {"stop_sequences": [7]}),
        ("tools[0].input_schema", {"tools": [{"name": "x"}]}),
        ("tools[0].name", {"tools": [{**TOOL, "name": "a b"}]}),
        ("tools[0].name", {"tools": [{**TOOL, "name": "fusion_x"}]}),
        ("tool_choice.type", {"tools": [TOOL], "tool_choice": {"type": "all"}}),
        ("tool_choice.name", {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "other"}}),
        ("output_config.effort", {"output_config": {"effort": "huge"}}),
        ("output_config.format.type", {"output_config": {"format": {"type": "xml"}}}),
        ("fusion.include[0]", {"fusion": {"include": ["keys"]}}),
    ],
)
def test_mistake_is_named_with_its_path(path: str, body: dict[str, Any]) -> None:
    assert path_of(**body) == path


def test_what_changes_nothing_here_is_taken_and_named() -> None:
    asked = read(
        thinking={"type": "adaptive"},
        context_management={},
        top_k=5,
        max_tokens=0,
        tools=[TOOL, BASH],
        output_config={"effort": "high", "odd": 1},
        messages=[
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "x"}, {"type": "text", "text": "a"}]},
            {"role": "user", "content": [{"type": "odd"}, {"type": "odd"}, {"type": "text", "text": "b"}]},
        ],
    )
    assert set(asked.ignored) == {
        "thinking",
        "context_management",
        "top_k",
        "max_tokens",
        "tools[1].bash_20250124",
        "output_config.odd",
        "messages.thinking",
        "messages.odd",
    }
    assert asked.messages == (Message("assistant", "a"), Message("user", ({"type": "text", "text": "b"},)))
    assert asked.writer is not None
    assert asked.writer.reasoning_effort == "high"


def test_an_agents_turn_is_read() -> None:
    """Results of tools come first, what they showed comes with the rest; system turns stand anywhere."""
    asked = read(
        system=[{**text("Be"), "cache_control": {"type": "ephemeral"}}, text("brief")],
        messages=[
            USER,
            {
                "role": "assistant",
                "content": [
                    text("I look."),
                    {"type": "tool_use", "id": "t1", "name": "look_up", "input": {"q": "ü"}},
                ],
            },
            {"role": "system", "content": "Be quick."},
            {
                "role": "user",
                "content": [
                    text("Go on."),
                    {"type": "tool_result", "tool_use_id": "t1", "is_error": True, "content": [PNG, text("no")]},
                    {"type": "tool_result", "tool_use_id": "t2"},
                    PDF,
                ],
            },
        ],
    )  # fmt: skip
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    file = {"type": "file", "file": {"filename": "A", "file_data": "data:application/pdf;base64,aGk="}}
    assert asked.messages == (
        Message("system", "Be\nbrief"),
        Message("user", "Why?"),
        Message("assistant", "I look.", tool_calls=(ToolCall(id="t1", name="look_up", arguments='{"q": "ü"}'),)),
        Message("system", "Be quick."),
        Message("tool", "[the tool failed]\nno", tool_call_id="t1"),
        Message("tool", "", tool_call_id="t2"),
        Message("user", ({"type": "text", "text": "Go on."}, image, file)),
    )


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ({"type": "text", "data": "abc"}, {"type": "text", "text": "abc"}),
        ({"type": "content", "content": "abc"}, {"type": "text", "text": "abc"}),
        ({"type": "content", "content": [{"type": "text", "text": "abc"}]}, {"type": "text", "text": "abc"}),
        (
            {"type": "url", "url": "https://x.example/a.pdf"},
            {"type": "file", "file": {"filename": "document", "file_data": "https://x.example/a.pdf"}},
        ),
    ],
)
def test_documents_come_in_many_forms(source: dict[str, Any], part: dict[str, Any]) -> None:
    (message,) = read(messages=user({"type": "document", "source": source})).messages
    assert message.content == (part,)


def test_media_are_named_where_they_cannot_be_passed_on() -> None:
    said = {"role": "assistant", "content": [PNG, text("a")]}
    asked = read(system=[PNG, text("b")], messages=[USER, said, {"role": "system", "content": [PDF, text("c")]}, USER])
    assert [message.content for message in asked.messages] == ["b", "Why?", "a", "c", "Why?"]
    assert asked.ignored == ("messages.image", "messages.document")


def test_media_are_counted() -> None:
    assert path_of(messages=user(*[PNG] * 65)) == "messages"


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "look_up"}, {"type": "function", "function": {"name": "look_up"}}),
    ],
)
def test_choices_of_tools_are_translated(choice: dict[str, Any], wanted: Any) -> None:
    writer = read(tools=[TOOL], tool_choice={**choice, "disable_parallel_tool_use": True}).writer
    assert writer is not None
    assert writer.tool_choice == wanted
    assert writer.extra == {"parallel_tool_calls": False}
    function = {"name": "look_up", "description": "Looks.", "parameters": {"type": "object"}}
    assert writer.tools == ({"type": "function", "function": function},)


def test_form_of_the_answer_is_translated() -> None:
    form = {"type": "json_schema", "schema": {"type": "object"}}
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}
    for body in ({"output_config": {"format": form}}, {"output_format": form}):
        writer = read(**body).writer
        assert writer is not None
        assert writer.response_format == wanted
