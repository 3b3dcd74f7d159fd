"""The tools of a Messages request: what is offered, after all that system turns changed."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.messages import Message
from fusion_graph.server._errors import Refused
from fusion_graph.server._wires.asked import Asked
from fusion_graph.server._wires.messages import read_messages_body

USER = {"role": "user", "content": "Why?"}


def tool(name: str, said: str = "Does it.") -> dict[str, Any]:
    return {"name": name, "description": said, "input_schema": {"type": "object"}}


def change(kind: str, **tool: Any) -> dict[str, Any]:
    return {"role": "system", "content": [{"type": f"tool_{kind}", "tool": tool}]}


def named(kind: str, name: Any) -> dict[str, Any]:
    return change(kind, type="tool_reference", name=name)


def defined(definition: Any) -> dict[str, Any]:
    return change("addition", type="tool_definition", definition=definition)


def read(*turns: Any, **more: Any) -> Asked:
    body = {"model": "fusion", "max_tokens": 10, "tools": [tool("one"), tool("two")], **more}
    return read_messages_body({**body, "messages": [USER, *turns]})


def offered(asked: Asked) -> list[str]:
    return [] if asked.writer is None else [entry["function"]["name"] for entry in asked.writer.tools]


@pytest.mark.parametrize(
    ("turns", "names"),
    [
        ([], ["one", "two"]),
        ([named("removal", "one")], ["two"]),
        ([named("removal", "one"), USER, named("addition", "one")], ["two", "one"]),
        ([named("addition", "one"), named("addition", "unknown"), named("removal", "unknown")], ["one", "two"]),
        ([defined(tool("three"))], ["one", "two", "three"]),
        ([defined(tool("three")), named("removal", "three"), named("addition", "three")], ["one", "two", "three"]),
        ([defined({"type": "web_search_20250305", "name": "web_search"})], ["one", "two"]),
        ([{"role": "system", "content": "said"}, {"role": "system", "content": []}], ["one", "two"]),
    ],
)
def test_what_system_turns_left_is_offered(turns: list[Any], names: list[str]) -> None:
    assert offered(read(*turns)) == names


def test_a_definition_takes_the_place_of_an_older_one() -> None:
    asked = read(defined(tool("one", "Does it anew.")))
    assert asked.writer is not None
    assert asked.writer.tools[0]["function"]["description"] == "Does it anew."


def test_a_turn_that_only_changes_tools_says_nothing() -> None:
    both = {"role": "system", "content": [{"type": "text", "text": "Now."}, named("removal", "one")["content"][0]]}
    asked = read(named("removal", "two"), {"role": "system", "content": []}, both)
    assert asked.messages == (Message("user", "Why?"), Message("system", "Now."))
    assert asked.ignored == ()


@pytest.mark.parametrize(
    ("path", "turns", "more"),
    [
        ("tools[1].name", [], {"tools": [tool("one"), tool("one")]}),
        ("messages[1].content[0].tool", [{"role": "system", "content": [{"type": "tool_removal"}]}], {}),
        ("messages[1].content[0].tool.name", [named("removal", 7)], {}),
        ("messages[1].content[0].tool.definition", [defined("x")], {}),
        ("messages[1].content[0].tool.definition.input_schema", [defined({"name": "three"})], {}),
        ("messages[1].content[0].tool.definition.name", [defined(tool("fusion_x"))], {}),
        ("tools", [defined(tool("last"))], {"tools": [tool(f"t{i}") for i in range(128)]}),
        ("messages", [named("removal", "one")] * 4097, {}),
        ("tool_choice.name", [named("removal", "one")], {"tool_choice": {"type": "tool", "name": "one"}}),
        ("tool_choice", [], {"tools": [], "tool_choice": "auto"}),
        ("tool_choice.type", [], {"tools": [], "tool_choice": {"type": "all"}}),
    ],
)
def test_a_mistake_is_named_with_its_path(path: str, turns: list[Any], more: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        read(*turns, **more)
    assert (refused.value.http_status, refused.value.param) == (400, path)


@pytest.mark.parametrize(("kind", "ignored"), [("auto", ()), ("none", ()), ("any", ("tool_choice",))])
def test_without_tools_there_is_nothing_to_choose(kind: str, ignored: tuple[str, ...]) -> None:
    asked = read(tools=[], tool_choice={"type": kind})
    assert (offered(asked), asked.ignored) == ([], ignored)
