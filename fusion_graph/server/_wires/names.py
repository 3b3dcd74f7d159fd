"""The tools of a Responses request (wire contract 3.2) as plain functions, and the way back from a call to what the
client called it. Pure. Its tools come mixed: functions, functions in a namespace, custom ones that take free text, and
hosted ones, which nobody here could run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fusion_graph.server._errors import invalid
from fusion_graph.server._wires import fields
from fusion_graph.server._wires.tools import MAX_TOOLS, check_function, check_size

MAX_NAME = 64  # of a function upstream
INPUT = "input"
"""The one argument of a custom tool."""


class Origin(NamedTuple):
    """What a client calls a tool."""

    name: str
    space: str = ""
    custom: bool = False


class Names:
    """Flat names, unique, and where each comes from."""

    def __init__(self) -> None:
        self._origins: dict[str, Origin] = {}
        self.tools: list[Mapping[str, Any]] = []

    def flat(self, name: str, space: str) -> str:
        """How a tool is called upstream: by its own name, or behind that of its namespace."""
        if not space:
            return name
        whole = f"{space}__{name}"
        if len(whole) <= MAX_NAME:
            return whole
        return f"{whole[: MAX_NAME - 9]}_{hashlib.sha256(whole.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"

    def origin(self, flat: str) -> Origin:
        return self._origins.get(flat, Origin(flat))

    def add(self, function: dict[str, Any], origin: Origin, path: str) -> None:
        if isinstance(function["name"], str):
            function = {**function, "name": self.flat(function["name"], origin.space)}
        check_function(function, path)
        if function["name"] in self._origins:
            raise invalid(f"{path}.name is the name of two tools", f"{path}.name")
        self._origins[function["name"]] = origin
        self.tools.append({"type": "function", "function": {k: v for k, v in function.items() if v is not None}})


def read_names(value: Any, ignored: list[str]) -> Names:
    """Raises Refused for a tool that is none; those that cannot be had are named."""
    names = Names()
    for i, item in enumerate(fields.array([] if value is None else value, "tools", most=MAX_TOOLS)):
        tool, path = fields.mapping(item, f"tools[{i}]"), f"tools[{i}]"
        kind = fields.text(tool.get("type"), f"{path}.type", most=64, least=1)
        if kind == "function":
            names.add(_function(tool), Origin(str(tool.get("name"))), path)
        elif kind == "custom":
            names.add(_custom(tool, path), Origin(str(tool.get("name")), custom=True), path)
        elif kind == "namespace":
            for function, origin, where in _inside(tool, path, ignored):
                names.add(function, origin, where)
        elif kind != "openrouter:fusion":
            ignored.append(f"{path}.{kind}")
    if len(names.tools) > MAX_TOOLS:
        raise invalid(f"tools hold more than {MAX_TOOLS} functions", "tools")
    check_size(names.tools, "tools")
    return names


def _inside(tool: Mapping[str, Any], path: str, ignored: list[str]) -> Iterator[tuple[dict[str, Any], Origin, str]]:
    space = fields.text(tool.get("name"), f"{path}.name", most=256, least=1)
    for k, item in enumerate(fields.array(tool.get("tools"), f"{path}.tools", most=MAX_TOOLS)):
        where = f"{path}.tools[{k}]"
        inner = fields.mapping(item, where)
        if inner.get("type") == "function":
            yield _function(inner), Origin(str(inner.get("name")), space), where
        else:
            ignored.append(f"{where}.{fields.text(inner.get('type'), f'{where}.type', most=64)}")


def _function(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tool.get(name) for name in ("name", "description", "parameters", "strict")}


def _custom(tool: Mapping[str, Any], path: str) -> dict[str, Any]:
    """A tool that takes free text, as a function of one text. A grammar is told in words, as no function has one."""
    told = [fields.text(fields.given(tool, "description", ""), f"{path}.description", most=65_536)]
    form = fields.mapping(fields.given(tool, "format", {}), f"{path}.format")
    if form.get("type") == "grammar":
        grammar = fields.text(form.get("definition"), f"{path}.format.definition", most=65_536)
        told.append(f"`{INPUT}` must follow this grammar ({str(form.get('syntax'))[:16]}):\n{grammar}")
    return {
        "name": tool.get("name"),
        "description": "\n\n".join(filter(None, told)) or None,
        "parameters": {
            "type": "object",
            "properties": {INPUT: {"type": "string"}},
            "required": [INPUT],
            "additionalProperties": False,
        },
    }


def free_text(arguments: str) -> str:
    """What a custom tool is called with. A model that wrote the bare text meant just that."""
    try:
        found = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    text = found.get(INPUT) if isinstance(found, dict) else None
    return text if isinstance(text, str) else arguments
