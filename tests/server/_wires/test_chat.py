"""Reading a chat request: what is honoured, what is ignored and named, what is refused with its exact path. The helpers
`_wires/fields`, `_wires/turns` and `_wires/tools` are tested here."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.messages import Message, ToolCall
from fusion_graph.server._errors import Refused
from fusion_graph.server._wires.asked import Asked
from fusion_graph.server._wires.chat import read_chat

TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
OTHER = {"type": "function", "function": {"name": "other"}}
IMAGE: dict[str, Any] = {"type": "image_url", "image_url": {}}
REMOTE = {
    "type": "json_schema",
    "json_schema": {"name": "x", "schema": {"items": {"$ref": "http://evil.example/s"}}},
}
USER = {"role": "user", "content": "Why?"}


def read(**more: Any) -> Asked:
    return read_chat({"model": "fusion", "messages": [USER], **more}, max_n=8)


def part(kind: str, **inside: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": kind, kind: inside}]}]}


def allowing(*names: Any, mode: str = "required") -> dict[str, Any]:
    listed = [{"type": "function", "function": {"name": name}} for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": listed}}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("model", {"model": None}),
        ("model", {"model": 7}),
        ("messages", {"messages": []}),
        ("messages", {"messages": "hello"}),
        ("messages[0]", {"messages": ["hello"]}),
        ("messages[0].role", {"messages": [{"role": "robot", "content": "x"}]}),
        ("messages[0].content", {"messages": [{"role": "user"}]}),
        ("messages[0].content[0].type", {"messages": [{"role": "user", "content": [{"type": "video"}]}]}),
        ("messages[0].content[0].text", {"messages": [{"role": "user", "content": [{"type": "text"}]}]}),
        ("messages[0].content[0].image_url.url", {"messages": [{"role": "user", "content": [IMAGE]}]}),
        ("messages[0].tool_call_id", {"messages": [{"role": "tool", "content": "x"}]}),
        ("messages[0].tool_calls[0].function", {"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]}),
        ("stream", {"stream": "yes"}),
        ("stream_options.include_usage", {"stream_options": {"include_usage": 1}}),
        ("temperature", {"temperature": 3}),
        ("temperature", {"temperature": True}),
        ("top_p", {"top_p": "1"}),
        ("frequency_penalty", {"frequency_penalty": 5}),
        ("reasoning_effort", {"reasoning_effort": "huge"}),
        ("max_tokens", {"max_tokens": -1}),
        ("max_completion_tokens", {"max_completion_tokens": 1.5}),
        ("stop", {"stop": 7}),
        ("stop[1]", {"stop": ["a", 7]}),
        ("logprobs", {"logprobs": 1}),
        ("top_logprobs", {"logprobs": True, "top_logprobs": 21}),
        ("top_logprobs", {"top_logprobs": 2}),
        ("user", {"user": 7}),
        ("metadata", {"metadata": "x"}),
        ("n", {"n": 9}),
        ("seed", {"seed": "1"}),
        ("seed", {"seed": 10**30}),
        ("messages[0].content[0].image_url.detail", part("image_url", url="u", detail=1)),
        ("messages[0].content[0].input_audio.format", part("input_audio", data="x")),
        ("messages[0].content[0].file.file_data", part("file", file_data=7)),
        (
            "messages[0].tool_calls[0].type",
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "type": 5, "function": {"name": "x"}}]}]},
        ),
        ("logit_bias.50", {"logit_bias": {"50": "much"}}),
        ("logit_bias.50", {"logit_bias": {"50": 101}}),
        ("prediction.type", {"prediction": {"type": "guess"}}),
        ("prediction.content", {"prediction": {"type": "content"}}),
        ("modalities[0]", {"modalities": [7]}),
        ("tools[0].function.strict", {"tools": [{**TOOL, "function": {"name": "x", "strict": "yes"}}]}),
        ("tools", {"tools": [{**TOOL, "function": {"name": "x", "parameters": {"maximum": float("inf")}}}]}),
        (
            "response_format.json_schema.strict",
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": 1}}},
        ),
        ("response_format.type", {"response_format": {"type": "xml"}}),
        ("response_format.json_schema", {"response_format": {"type": "json_schema"}}),
        ("response_format.json_schema.schema.items.$ref", {"response_format": REMOTE}),
        ("tool_choice", {"tool_choice": []}),
        ("tool_choice", {"tool_choice": "maybe", "tools": []}),
        ("parallel_tool_calls", {"parallel_tool_calls": 1}),
        ("tools[0].type", {"tools": [{"type": "web"}]}),
        ("tools[0].function.name", {"tools": [{"type": "function", "function": {"name": "a b"}}]}),
        ("tools[0].function.name", {"tools": [{"type": "function", "function": {"name": "fusion_search"}}]}),
        ("tool_choice", {"tools": [TOOL], "tool_choice": "maybe"}),
        ("tool_choice.function.name", {"tools": [TOOL], "tool_choice": OTHER}),
        ("tool_choice.allowed_tools.tools[0]", {"tools": [TOOL], "tool_choice": allowing("other")}),
        ("tool_choice.allowed_tools.tools[0]", {"tools": [TOOL], "tool_choice": allowing(None)}),
        ("tool_choice.allowed_tools.mode", {"tools": [TOOL], "tool_choice": allowing(mode="none")}),
        ("tool_choice.allowed_tools", {"tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}),
        ("functions[0].name", {"functions": [{"description": "x"}]}),
        ("modalities", {"modalities": ["audio"]}),
        ("fusion", {"fusion": []}),
        ("fusion.include[0]", {"fusion": {"include": ["keys"]}}),
        ("fusion.enabled", {"fusion": {"enabled": 1}}),
    ],
)  # fmt: skip
def test_wrong_field_is_named(path: str, body: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        read(**body)
    assert (refused.value.http_status, refused.value.param) == (400, path)


def test_nothing_asked_is_nothing_sent() -> None:
    asked = read()
    assert asked.writer is None
    assert asked.messages == (Message("user", "Why?"),)
    assert (asked.n, asked.stream, asked.ignored) == (1, False, ())


def test_writer_gets_its_fields() -> None:
    asked = read(temperature=0.5, stop="END", max_tokens=5, max_completion_tokens=7, presence_penalty=1, tools=[TOOL],
                 tool_choice="auto", parallel_tool_calls=False, reasoning_effort="low")  # fmt: skip
    writer = asked.writer
    assert writer is not None
    assert (writer.temperature, writer.stop_sequences, writer.max_tokens) == (0.5, ("END",), 7)
    assert writer.tools == (TOOL,)
    assert writer.extra == {"presence_penalty": 1.0, "parallel_tool_calls": False}


def test_what_is_not_honoured_is_named() -> None:
    asked = read(store=True, odd=1, max_tokens=0, stream_options={"include_obfuscation": True})
    assert set(asked.ignored) == {
        "store",
        "odd",
        "max_tokens",
        "stream_options.include_obfuscation",
    }
    assert asked.writer is None


def test_null_means_not_given() -> None:
    assert read(temperature=None, tools=None, stop=None, n=None, odd=None) == read()


def test_older_functions_are_mapped() -> None:
    asked = read(functions=[TOOL["function"]], function_call={"name": "look_up"})
    assert asked.writer is not None
    assert asked.writer.tools == (TOOL,)
    assert asked.writer.tool_choice == {"type": "function", "function": {"name": "look_up"}}


def test_tools_win_over_functions() -> None:
    assert read(tools=[TOOL], functions=[{"name": "other"}]).ignored == ("functions",)


def test_roles_and_parts_are_read() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    call = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    asked = read(messages=[
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "a cat"}]},
    ])  # fmt: skip
    system, user, assistant, tool = asked.messages
    assert system == Message("system", "Be brief.")
    assert user.content[1] == image
    assert assistant.tool_calls == (ToolCall(id="c1", name="look_up", arguments="{}"),)
    assert tool == Message("tool", "a cat", tool_call_id="c1")


def test_only_allowed_tools_are_offered() -> None:
    other = {"type": "function", "function": {"name": "other"}}
    asked = read(tools=[TOOL, other], tool_choice=allowing("other"))
    assert asked.writer is not None
    assert (asked.writer.tools, asked.writer.tool_choice) == ((other,), "required")


@pytest.mark.parametrize(("choice", "named"), [("auto", ()), ("none", ()), ("required", ("tool_choice",))])
def test_choice_without_tools_is_named(choice: str, named: tuple[str, ...]) -> None:
    assert read(tool_choice=choice).ignored == read(tool_choice=choice, tools=[]).ignored == named
