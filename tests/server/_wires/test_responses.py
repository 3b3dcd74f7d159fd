"""Reading a Responses body: what is honoured, left out and named, refused with its exact path. Its items
(`_wires/items`), the names of its tools (`_wires/names`) and `_wires/sender` are tested here."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.messages import Message, ToolCall
from fusion_graph.server._errors import Refused
from fusion_graph.server._wires.asked import Asked
from fusion_graph.server._wires.names import Names, Origin, free_text, read_names
from fusion_graph.server._wires.responses import RESPONSES
from fusion_graph.server._wires.speech import Head
from tests.server.wires import sse

FUNCTION = {"type": "function", "name": "look_up", "parameters": {"type": "object"}}
CUSTOM = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Patches.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /x/"},
}
IMAGE = {"type": "input_image", "image_url": "data:x"}
SPACE = {"type": "namespace", "name": "mcp", "tools": [{"type": "function", "name": "look_up"}]}


def read(**more: Any) -> Asked:
    return RESPONSES.read({"model": "fusion", "input": "Why?", **more}, 8)[0]


def user(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": list(parts)}]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("model", {"model": None}),
        ("input", {"input": None}),
        ("input", {"input": []}),
        ("input", {"input": [{"role": "system", "content": "x"}]}),
        ("input[0]", {"input": [7]}),
        ("input[0].role", {"input": [{"role": "tool", "content": "x"}]}),
        ("input[0].content", {"input": [{"role": "user"}]}),
        ("input[0].content[0].type", {"input": user({"type": "video"})}),
        ("input[0].content[0].image_url", {"input": user({"type": "input_image", "file_id": "f"})}),
        ("input[0].call_id", {"input": [{"type": "function_call_output", "output": "x"}]}),
        ("input[0].name", {"input": [{"type": "function_call", "call_id": "c"}]}),
        ("input[0].type", {"input": [{"type": "item_reference", "id": "x"}]}),
        ("previous_response_id", {"previous_response_id": "resp_1"}),
        ("conversation", {"conversation": "c"}),
        ("prompt", {"prompt": {"id": "p"}}),
        ("background", {"background": True}),
        ("instructions", {"instructions": 7}),
        ("stream", {"stream": 1}),
        ("max_output_tokens", {"max_output_tokens": -1}),
        ("tools[0].type", {"tools": [{}]}),
        ("tools[0].name", {"tools": [{"type": "function"}]}),
        ("tools[1].name", {"tools": [FUNCTION, FUNCTION]}),
        ("tools[0].tools[0].name", {"tools": [{**SPACE, "tools": [{"type": "function"}]}]}),
        ("tool_choice", {"tools": [FUNCTION], "tool_choice": "all"}),
        ("tool_choice", {"tool_choice": 7}),
        (
            "tool_choice.tools[0]",
            {
                "tools": [FUNCTION],
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "auto",
                    "tools": [{"type": "function", "name": "other"}],
                },
            },
        ),
        ("tool_choice.name", {"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "other"}}),
        ("text.format.type", {"text": {"format": {"type": "xml"}}}),
        ("text.format.name", {"text": {"format": {"type": "json_schema", "schema": {}}}}),
        ("text.verbosity", {"text": {"verbosity": "huge"}}),
        ("reasoning.effort", {"reasoning": {"effort": "huge"}}),
        ("metadata", {"metadata": 7}),
    ],
)
def test_mistake_is_named_with_its_path(path: str, body: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        read(**body)
    assert (refused.value.http_status, refused.value.param) == (400, path)


def test_what_changes_nothing_here_is_taken_and_named() -> None:
    asked = read(
        store=True,
        include=["reasoning.encrypted_content"],
        client_metadata={},
        tools=[{"type": "web_search"}, {"type": "openrouter:datetime"}],
        tool_choice={"type": "web_search"},
        input=[{"type": "reasoning", "summary": []}, {"type": "web_search_call"}, {"role": "user", "content": "x"}],
    )  # fmt: skip
    assert set(asked.ignored) == {
        "include",
        "client_metadata",
        "tools[0].web_search",
        "tools[1].openrouter:datetime",
        "tool_choice.web_search",
        "input.reasoning",
        "input.web_search_call",
    }
    assert asked.writer is None


def test_an_agents_turn_is_read() -> None:
    """Calls join the turn before them; what a tool showed comes as the user's, behind the results."""
    asked = read(
        instructions="Be brief.",
        tools=[FUNCTION, SPACE, CUSTOM],
        input=[
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be quick."}]},
            {"role": "user", "content": "Why?"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
            {"type": "function_call", "call_id": "c1", "name": "look_up", "namespace": "mcp", "arguments": "{}"},
            {"type": "custom_tool_call", "call_id": "c2", "name": "apply_patch", "input": "*** ü"},
            {"type": "function_call_output", "call_id": "c1", "output": [IMAGE]},
            {"type": "custom_tool_call_output", "call_id": "c2", "output": "done"},
            {"type": "function_call", "call_id": "c3", "name": "look_up", "arguments": "{}"},
        ],
    )  # fmt: skip
    called = (
        ToolCall(id="c1", name="mcp__look_up", arguments="{}"),
        ToolCall(id="c2", name="apply_patch", arguments='{"input": "*** ü"}'),
    )
    assert asked.messages == (
        Message("system", "Be brief."),
        Message("system", "Be quick."),
        Message("user", "Why?"),
        Message("assistant", "I look.", tool_calls=called),
        Message("tool", "", tool_call_id="c1"),
        Message("tool", "done", tool_call_id="c2"),
        Message("user", ({"type": "image_url", "image_url": {"url": "data:x"}},)),
        Message("assistant", "", tool_calls=(ToolCall(id="c3", name="look_up", arguments="{}"),)),
    )


def test_tools_of_every_sort_become_functions() -> None:
    ignored: list[str] = []
    names = read_names([FUNCTION, SPACE, CUSTOM, {"type": "web_search"}], ignored)
    functions = {tool["function"]["name"]: tool["function"] for tool in names.tools}
    assert list(functions) == ["look_up", "mcp__look_up", "apply_patch"]
    assert functions["apply_patch"]["parameters"]["required"] == ["input"]
    assert "start: /x/" in functions["apply_patch"]["description"]
    assert [names.origin(name) for name in functions] == [
        Origin("look_up"),
        Origin("look_up", "mcp"),
        Origin("apply_patch", custom=True),
    ]
    assert ignored == ["tools[3].web_search"]


def test_long_names_stay_apart() -> None:
    names = Names()
    one, two = names.flat("a" * 40 + "1", "s" * 40), names.flat("a" * 40 + "2", "s" * 40)
    assert one != two
    assert len(one) == len(two) == 64


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("required", "required"),
        ({"type": "function", "name": "look_up"}, "look_up"),
        ({"type": "custom", "name": "apply_patch"}, "apply_patch"),
        ({"type": "function", "name": "look_up", "namespace": "mcp"}, "mcp__look_up"),
        ({"type": "web_search"}, None),
        ({"type": "openrouter:fusion"}, None),
    ],
)
def test_choices_of_tools_are_translated(choice: Any, wanted: str | None) -> None:
    writer = read(tools=[FUNCTION, SPACE, CUSTOM], tool_choice=choice).writer
    assert writer is not None
    found = writer.tool_choice
    assert (found if found is None or isinstance(found, str) else found["function"]["name"]) == wanted


def test_only_allowed_tools_are_offered() -> None:
    listed = [FUNCTION, {"type": "custom", "name": "apply_patch"}, {"type": "mcp", "server_label": "x"}]
    choice = {"type": "allowed_tools", "mode": "required", "tools": listed}
    asked = read(tools=[FUNCTION, SPACE, CUSTOM], tool_choice=choice)
    assert asked.writer is not None
    assert [tool["function"]["name"] for tool in asked.writer.tools] == ["look_up", "apply_patch"]
    assert asked.writer.tool_choice == "required"
    assert asked.ignored == ("tool_choice.tools[2].mcp",)
    none = read(tools=[FUNCTION], tool_choice={**choice, "tools": listed[2:]})
    assert (none.writer, none.ignored) == (None, ("tool_choice.tools[0].mcp", "tool_choice"))


@pytest.mark.parametrize(
    ("choice", "named"),
    [
        ("required", ("tool_choice",)),
        (FUNCTION, ("tool_choice",)),
        ({"type": "allowed_tools", "mode": "required", "tools": [FUNCTION]}, ("tool_choice",)),
        ({"type": "web_search"}, ("tool_choice.web_search",)),
        ("auto", ()),
        ("none", ()),
        (None, ()),
    ],
)
def test_without_tools_there_is_nothing_to_choose(choice: Any, named: tuple[str, ...]) -> None:
    asked = read(tools=[{"type": "image_generation"}], tool_choice=choice)
    assert (asked.writer, asked.ignored) == (None, ("tools[0].image_generation", *named))


def test_what_is_said_behind_calls_is_of_their_turn() -> None:
    """Most upstreams want the results of calls right behind the turn that has them."""
    call = {"type": "function_call", "call_id": "a", "name": "look_up", "arguments": "{}"}
    said = {"role": "assistant", "content": [{"type": "output_text", "text": "Well."}]}
    output = {"type": "function_call_output", "call_id": "a", "output": "1"}
    why = {"role": "user", "content": "Why?"}
    once = ToolCall(id="a", name="look_up", arguments="{}")
    plain, told = Message("assistant", "Well."), Message("tool", "1", tool_call_id="a")

    def turn(text: str, *calls: ToolCall) -> Message:
        return Message("assistant", text, tool_calls=calls)

    for given, wanted in (
        ([said, call, said, output, said], (turn("Well.\nWell.", once), told, plain)),
        ([call, said, said, call, said, output], (turn("Well.\nWell.\nWell.", once, once), told)),
        ([call, said], (turn("Well.", once),)),
        ([call, said, why, said], (turn("Well.", once), Message("user", "Why?"), plain)),
    ):
        assert read(input=[why, *given]).messages[1:] == wanted


@pytest.mark.parametrize(
    ("arguments", "text"),
    [('{"input": "a"}', "a"), ("*** Begin", "*** Begin"), ('{"other": 1}', '{"other": 1}'), ("7", "7"), ("", "")],
)
def test_free_text_is_found(arguments: str, text: str) -> None:
    assert free_text(arguments) == text


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        ({"type": "input_file", "filename": "a", "file_data": "d"}, {"filename": "a", "file_data": "d"}),
        ({"type": "input_file", "file_url": "u"}, {"filename": "file", "file_data": "u"}),
        ({"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}}, {"data": "x", "format": "wav"}),
        ({"type": "input_image", "image_url": "u", "detail": "low"}, {"url": "u", "detail": "low"}),
    ],
)
def test_media_go_by(part: dict[str, Any], wanted: dict[str, Any]) -> None:
    (message,) = read(input=user(part)).messages
    assert not isinstance(message.content, str)
    assert wanted in message.content[0].values()


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("input_audio.data", {"type": "input_audio", "input_audio": {"format": "wav"}}),
        ("detail", {"type": "input_image", "image_url": "u", "detail": 7}),
    ],
)
def test_odd_media_are_refused(path: str, part: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        read(input=user(part))
    assert refused.value.param == f"input[0].content[0].{path}"


def test_media_are_counted() -> None:
    with pytest.raises(Refused) as refused:
        read(input=user(*[{"type": "input_image", "image_url": "u"}] * 65))
    assert refused.value.param == "input"


def test_calls_of_a_turn_are_counted() -> None:
    calls = [{"type": "function_call", "call_id": f"c{i}", "name": "x", "arguments": "{}"} for i in range(257)]
    assert len(read(input=calls[:256]).messages[0].tool_calls) == 256
    with pytest.raises(Refused) as refused:
        read(input=calls)
    assert refused.value.param == "input[256]"


def test_request_is_repeated_in_the_answer() -> None:
    body = {"model": "fusion", "input": "x", "instructions": "i", "metadata": {"a": "b"}, "tools": [FUNCTION]}
    created, _ = sse(RESPONSES.read(body, 8)[1](Head("r", "fusion", 1)).beat().decode())
    for name in ("instructions", "metadata", "tools"):
        assert created["response"][name] == body[name]


def test_sender_is_told_apart() -> None:
    asked = read(user="u", metadata={"a": "b"}, prompt_cache_key="k")
    assert asked.sender == {"user": "u", "metadata": {"a": "b"}, "prompt_cache_key": "k"}
    assert asked.writer is None
