"""The wire of OpenAI's Responses (wire contract 3.2): its body as what is asked. Pure. The server keeps nothing, so
what leans on an earlier answer is refused."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from fusion_graph.messages import Sampling
from fusion_graph.server._errors import invalid
from fusion_graph.server._wires import fields
from fusion_graph.server._wires.asked import Asked
from fusion_graph.server._wires.forms import read_flat_format
from fusion_graph.server._wires.fusion import read_convening
from fusion_graph.server._wires.fusion_block import read_block
from fusion_graph.server._wires.items import read_input
from fusion_graph.server._wires.names import Names, read_names
from fusion_graph.server._wires.responses_out import ResponseSpeech
from fusion_graph.server._wires.sender import SENDER, read_sender
from fusion_graph.server._wires.speech import Speaks, Wire
from fusion_graph.server._wires.tools import CHOICES, FUSION, MAX_TOOLS, MODES, Tools, check_known, keep_allowed

READ = frozenset(
    {
        "model", "input", "instructions", "stream", "temperature", "top_p", "max_output_tokens", "tools",
        "tool_choice", "parallel_tool_calls", "text", "reasoning", "metadata", "fusion", "plugins", "store",
        *SENDER,
    }
)  # fmt: skip
KEPT = ("previous_response_id", "conversation", "prompt")
"""What would need something that was kept."""
ECHOED = ("instructions", "temperature", "top_p", "max_output_tokens", "reasoning", "text")


def read_responses(body: Mapping[str, Any], names: Names, ignored: list[str]) -> Asked:
    """`names` are those of the body's tools. Raises Refused with the exact path of the first field that is wrong."""
    for name in KEPT:
        if body.get(name) is not None:
            raise invalid(f"this server keeps no answers, so there is no {name}", name)
    if body.get("background"):
        raise invalid("this server answers at once or not at all", "background")
    model = fields.text(body.get("model"), "model", most=256, least=1)
    instructions = fields.optional(body, "instructions", fields.text)
    messages = read_input(body.get("input"), instructions, names, ignored)
    convening, alone = read_convening(body, ignored)
    block = read_block(body)
    return Asked(
        model=model,
        messages=messages,
        stream=fields.optional(body, "stream", fields.boolean) or False,
        writer=_writer(body, names, ignored),
        sender=read_sender(body),
        **{**block, "solo": block["solo"] or alone},
        convening=convening,
        ignored=tuple(ignored),
    )


def _writer(body: Mapping[str, Any], names: Names, ignored: list[str]) -> Sampling | None:
    text = fields.mapping(fields.given(body, "text", {}), "text")
    reasoning = fields.mapping(fields.given(body, "reasoning", {}), "reasoning")
    effort, verbosity = reasoning.get("effort"), text.get("verbosity")
    most = fields.optional(body, "max_output_tokens", fields.integer, 0, fields.MAX_TOKENS)
    if most == 0:
        ignored.append("max_output_tokens")
    parallel = fields.optional(body, "parallel_tool_calls", fields.boolean)
    tools, choice = _chosen(body.get("tool_choice"), names, ignored)
    extra = {
        "verbosity": None
        if verbosity is None
        else fields.choice(verbosity, "text.verbosity", ("low", "medium", "high")),
        "parallel_tool_calls": parallel if names.tools else None,
    }
    asked = Sampling(
        temperature=fields.optional(body, "temperature", fields.number, 0, 2),
        top_p=fields.optional(body, "top_p", fields.number, 0, 1),
        max_tokens=most or None,
        reasoning_effort=None if effort is None else fields.choice(effort, "reasoning.effort", fields.EFFORTS),
        response_format=read_flat_format(text.get("format"), "text.format"),
        tools=tools,
        tool_choice=choice,
        extra={name: value for name, value in extra.items() if value is not None},
    )
    return None if asked == Sampling() else asked


def _chosen(value: Any, names: Names, ignored: list[str]) -> tuple[Tools, Any]:
    """The tools that are offered, and how they must be used. Where there are none, there is nothing to choose from."""
    tools: Tools = tuple(names.tools)
    if value is None:
        return tools, None
    if isinstance(value, str):
        choice: Any = fields.choice(value, "tool_choice", CHOICES)
    else:
        tools, choice = _named(fields.mapping(value, "tool_choice"), tools, names, ignored)
    if tools:
        return tools, choice
    if choice not in (None, "none", "auto"):
        ignored.append("tool_choice")
    return (), None


def _named(choice: Mapping[str, Any], tools: Tools, names: Names, ignored: list[str]) -> tuple[Tools, Any]:
    if choice.get("type") == "allowed_tools":
        mode = fields.choice(choice.get("mode"), "tool_choice.mode", MODES)
        allowed = []
        for i, entry in enumerate(fields.array(choice.get("tools"), "tool_choice.tools", most=MAX_TOOLS)):
            path = f"tool_choice.tools[{i}]"
            if _is_own(fields.mapping(entry, path), path, ignored):
                allowed.append(_flat(entry, path, names))
        return keep_allowed(tools, allowed if tools else (), "tool_choice.tools"), mode
    if not _is_own(choice, "tool_choice", ignored):
        return tools, None
    flat = _flat(choice, "tool_choice", names)
    if tools:
        check_known(flat, tools, "tool_choice.name")
    return tools, {"type": "function", "function": {"name": flat}}


def _is_own(choice: Mapping[str, Any], path: str, ignored: list[str]) -> bool:
    """A tool of the client's; the others cannot be had here."""
    kind = fields.text(choice.get("type"), f"{path}.type", most=64, least=1)
    if kind not in ("function", "custom", FUSION):
        ignored.append(f"{path}.{kind}")
    return kind in ("function", "custom")


def _flat(choice: Mapping[str, Any], path: str, names: Names) -> str:
    name = fields.text(choice.get("name"), f"{path}.name", most=256, least=1)
    return names.flat(name, fields.text(fields.given(choice, "namespace", ""), f"{path}.namespace", most=256))


def _echo(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a response object repeats of its request."""
    metadata = fields.mapping(fields.given(body, "metadata", {}), "metadata", most=16)
    return {
        **{name: body.get(name) for name in ECHOED},
        "metadata": metadata,
        "parallel_tool_calls": fields.given(body, "parallel_tool_calls", default=True),
        "tool_choice": fields.given(body, "tool_choice", "auto"),
        "tools": fields.given(body, "tools", []),
        "store": False,
        "previous_response_id": None,
        "truncation": "disabled",
    }


def _read(body: Mapping[str, Any], _max_n: int) -> tuple[Asked, Speaks]:
    ignored = fields.unread(body, READ)
    names = read_names(body.get("tools"), ignored)
    asked = read_responses(body, names, ignored)
    return asked, partial(ResponseSpeech, names=names, echo=_echo(body))


RESPONSES = Wire("responses", counts_first=False, insistent=True, read=_read)
