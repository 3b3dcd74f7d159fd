"""The client's tools and what it says of their use, for the final writer only (wire contract 1.8). Pure; schemas are
bounded and passed on, never compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from fusion_graph.server._errors import invalid
from fusion_graph.server._wires import fields
from fusion_graph.toolbox import RESERVED

MAX_TOOLS = 128
MAX_BYTES = 1 << 20
HOSTED = "openrouter:"
FUSION = "openrouter:fusion"
"""The one of them that means something here, see `_wires/fusion`."""
CHOICES = ("none", "auto", "required")
MODES = ("auto", "required")
"""Of `allowed_tools`."""
Tools: TypeAlias = tuple[Mapping[str, Any], ...]


def read_tools(body: Mapping[str, Any], ignored: list[str]) -> tuple[Tools, Any]:
    """Tools and `tool_choice` as they go upstream; the older `functions` and `function_call` are mapped to them."""
    old, path = body.get("functions"), "tools"
    value = body.get("tools")
    if old is not None and value is not None:
        ignored.append("functions")
    elif old is not None:
        path, value = (
            "functions",
            [{"type": "function", "function": f} for f in fields.array(old, "functions", most=128)],
        )
    if value is None:
        _name_unused(body, ignored)
        return (), None
    entries = list(enumerate(fields.array(value, path, most=MAX_TOOLS)))
    hosted = {i: tool["type"] for i, tool in entries if _is_hosted(tool)}
    ignored += [f"{path}[{i}].{kind[:64]}" for i, kind in hosted.items() if kind != FUSION]
    tools = tuple(_tool(tool, f"{path}[{i}]", old=path == "functions") for i, tool in entries if i not in hosted)
    check_size(tools, path)
    if not tools:
        _name_unused(body, ignored, fusing=FUSION in hosted.values())
        return (), None
    return _chosen(body, tools, old=path == "functions")


def _name_unused(body: Mapping[str, Any], ignored: list[str], *, fusing: bool = False) -> None:
    """Without tools there is nothing to choose from; a wrong type is wrong all the same. Where the fusion is the tool,
    choosing it adds nothing."""
    for name in ("tool_choice", "function_call"):
        value = body.get(name)
        if value is None:
            continue
        if isinstance(value, str):
            fields.choice(value, name, CHOICES)
        else:
            fields.mapping(value, name)
        if value not in ("none", "auto") and not fusing:
            ignored.append(name)


def _is_hosted(tool: Any) -> bool:
    """A tool that OpenRouter would run: never the client's."""
    return isinstance(tool, dict) and str(tool.get("type")).startswith(HOSTED)


def _tool(value: Any, path: str, *, old: bool) -> Mapping[str, Any]:
    tool = fields.mapping(value, path)
    fields.choice(tool.get("type"), f"{path}.type", ("function",))
    check_function(tool.get("function"), path if old else f"{path}.function")
    return tool


def check_function(value: Any, inner: str) -> None:
    """What every wire asks of a tool: a name, perhaps a description and parameters."""
    function = fields.mapping(value, inner)
    name = fields.text(function.get("name"), f"{inner}.name", most=64, least=1)
    if not all(c.isascii() and (c.isalnum() or c in "_-.:/") for c in name):
        raise invalid(f"{inner}.name holds a character that no name has", f"{inner}.name")
    if name.startswith(RESERVED):
        raise invalid(f"{inner}.name begins with {RESERVED}, which is the server's own", f"{inner}.name")
    if function.get("description") is not None:
        fields.text(function["description"], f"{inner}.description", most=65_536)
    if function.get("parameters") is not None:
        fields.mapping(function["parameters"], f"{inner}.parameters")
    if function.get("strict") is not None:
        fields.boolean(function["strict"], f"{inner}.strict")


def check_size(tools: Sequence[Any], path: str) -> None:
    if tools and len(fields.json_text(tools, path)) > MAX_BYTES:
        raise invalid(f"{path} are larger than {MAX_BYTES} bytes", path)


def keep_allowed(tools: Tools, names: Sequence[Any], path: str) -> Tools:
    """What a choice of `allowed_tools` leaves: what may not be called is not offered."""
    for i, name in enumerate(names):
        check_known(name, tools, f"{path}[{i}]")
    return tuple(tool for tool in tools if tool["function"]["name"] in names)


def _chosen(body: Mapping[str, Any], tools: Tools, *, old: bool) -> tuple[Tools, Any]:
    path = "function_call" if old else "tool_choice"
    value = body.get(path)
    if value is None:
        return tools, None
    if isinstance(value, str):
        return tools, fields.choice(value, path, CHOICES)
    named = fields.mapping(value, path)
    if named.get("type") == FUSION:
        return tools, None
    if old:
        named = {"type": "function", "function": named}
    if fields.choice(named.get("type"), f"{path}.type", ("function", "allowed_tools")) == "allowed_tools":
        return _allowed(named, tools, f"{path}.allowed_tools")
    name = fields.mapping(named.get("function"), f"{path}.function").get("name")
    check_known(name, tools, f"{path}.function.name")
    return tools, named


def _allowed(choice: Mapping[str, Any], tools: Tools, path: str) -> tuple[Tools, Any]:
    allowed = fields.mapping(choice.get("allowed_tools"), path)
    entries = fields.array(allowed.get("tools"), f"{path}.tools", most=MAX_TOOLS)
    functions = [
        fields.mapping(fields.mapping(entry, f"{path}.tools[{i}]").get("function"), f"{path}.tools[{i}].function")
        for i, entry in enumerate(entries)
    ]
    kept = keep_allowed(tools, [function.get("name") for function in functions], f"{path}.tools")
    return kept, fields.choice(allowed.get("mode"), f"{path}.mode", MODES)


def check_known(name: Any, tools: Tools, path: str) -> None:
    if name not in [tool["function"]["name"] for tool in tools]:
        raise invalid(f"{path} names no tool of the request", path)
