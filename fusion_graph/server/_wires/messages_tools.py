"""The tools of a Messages request as functions (wire contract 3.1), and what it says of their use. Pure. System turns
may add tools and take them away: what is offered is what the last of them left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fusion_graph.server._errors import invalid
from fusion_graph.server._wires import fields
from fusion_graph.server._wires.tools import MAX_TOOLS, check_function, check_size

Function = Mapping[str, Any]
CHOICES: Mapping[str, str] = {"auto": "auto", "any": "required", "none": "none"}
MAX_CHANGES = 4096
ADDED, REMOVED = "tool_addition", "tool_removal"
CHANGES = frozenset({ADDED, REMOVED})
"""Blocks of system turns that are about tools and say nothing to a model."""


def read_tools(body: Mapping[str, Any], ignored: list[str]) -> tuple[Function, ...]:
    """The client's own tools. Those that a vendor runs have no schema: nobody here could run them. `messages` has been
    read before."""
    known: dict[str, Function] = {}
    for i, item in enumerate(fields.array(fields.given(body, "tools", []), "tools", most=MAX_TOOLS)):
        function = _function(fields.mapping(item, f"tools[{i}]"), f"tools[{i}]", ignored)
        if function is None:
            continue
        if function["name"] in known:
            raise invalid(f"tools[{i}].name is the name of two tools", f"tools[{i}].name")
        known[function["name"]] = function
    offered = dict(known)
    for count, (path, block) in enumerate(_changes(body["messages"])):
        if count == MAX_CHANGES:
            raise invalid(f"messages change the tools more than {MAX_CHANGES} times", "messages")
        tool, where = fields.mapping(block.get("tool"), f"{path}.tool"), f"{path}.tool.definition"
        if block["type"] == ADDED and tool.get("type") == "tool_definition":
            function = _function(fields.mapping(tool.get("definition"), where), where, ignored)
            if function is not None:
                known[function["name"]] = offered[function["name"]] = function
            continue
        name = fields.text(tool.get("name"), f"{path}.tool.name", most=256, least=1)
        if block["type"] == REMOVED:
            offered.pop(name, None)
        elif name in known:
            offered[name] = known[name]
    if len(offered) > MAX_TOOLS:
        raise invalid(f"tools hold more than {MAX_TOOLS} functions", "tools")
    found = tuple({"type": "function", "function": function} for function in offered.values())
    check_size(found, "tools")
    return found


def _function(tool: Mapping[str, Any], path: str, ignored: list[str]) -> Function | None:
    if tool.get("input_schema") is None and tool.get("type") not in (None, "custom"):
        ignored.append(f"{path}.{fields.text(tool['type'], f'{path}.type', most=64)}")
        return None
    function = {"name": tool.get("name"), "description": tool.get("description")}
    function["parameters"] = fields.mapping(tool.get("input_schema"), f"{path}.input_schema")
    function["strict"] = tool.get("strict")
    check_function(function, path)
    return {name: value for name, value in function.items() if value is not None}


def _changes(messages: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for i, turn in enumerate(messages):
        if turn["role"] == "system" and not isinstance(turn["content"], str):
            for k, block in enumerate(turn["content"]):
                if block["type"] in CHANGES:
                    yield f"messages[{i}].content[{k}]", block


def read_choice(value: Any, tools: tuple[Function, ...], ignored: list[str]) -> tuple[Any, Mapping[str, Any]]:
    """`tool_choice`, and what it says of several calls at once. Without tools there is nothing to choose from."""
    if value is None:
        return None, {}
    choice = fields.mapping(value, "tool_choice")
    kind = fields.choice(choice.get("type"), "tool_choice.type", (*CHOICES, "tool"))
    extra = {}
    if choice.get("disable_parallel_tool_use") is not None:
        alone = fields.boolean(choice["disable_parallel_tool_use"], "tool_choice.disable_parallel_tool_use")
        extra = {"parallel_tool_calls": False} if alone else {}
    if not tools:
        ignored += ["tool_choice"] if kind in ("any", "tool") else []
        return None, {}
    if kind != "tool":
        return CHOICES[kind], extra
    if choice.get("name") not in [tool["function"]["name"] for tool in tools]:
        raise invalid("tool_choice names no tool of the request", "tool_choice.name")
    return {"type": "function", "function": {"name": choice["name"]}}, extra
