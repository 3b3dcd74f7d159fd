"""The wire of OpenAI's Responses (wire contract 3.2): its body as what is asked. Pure. The server keeps nothing, so
what leans on an earlier answer is refused."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from fusion_graph.messages import Sampling
from fusion_graph.server import _fields as fields
from fusion_graph.server._asked import Asked
from fusion_graph.server._errors import invalid
from fusion_graph.server._forms import read_flat_format
from fusion_graph.server._speech import Speaks, Wire
from fusion_graph.server._tools import FUSION
from fusion_graph.server._wire_block import read_block
from fusion_graph.server._wire_fusion import read_convening
from fusion_graph.server._wire_items import read_input
from fusion_graph.server._wire_names import Names, read_names
from fusion_graph.server._wire_responses_out import ResponseSpeech
from fusion_graph.server._wire_sender import SENDER, read_sender

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
        tools=tuple(names.tools),
        tool_choice=_choice(body.get("tool_choice"), names, ignored) if names.tools else None,
        extra={name: value for name, value in extra.items() if value is not None},
    )
    return None if asked == Sampling() else asked


def _choice(value: Any, names: Names, ignored: list[str]) -> Any:
    if value is None:
        return None
    if isinstance(value, str):
        return fields.choice(value, "tool_choice", ("none", "auto", "required"))
    choice = fields.mapping(value, "tool_choice")
    kind = fields.text(choice.get("type"), "tool_choice.type", most=64, least=1)
    if kind == "allowed_tools":
        ignored.append("tool_choice.tools")
        return fields.choice(choice.get("mode"), "tool_choice.mode", ("auto", "required"))
    if kind not in ("function", "custom"):
        if kind != FUSION:
            ignored.append(f"tool_choice.{kind}")
        return None
    name = fields.text(choice.get("name"), "tool_choice.name", most=256, least=1)
    space = fields.text(fields.given(choice, "namespace", ""), "tool_choice.namespace", most=256)
    flat = names.flat(name, space)
    if flat not in [tool["function"]["name"] for tool in names.tools]:
        raise invalid("tool_choice names no tool of the request", "tool_choice.name")
    return {"type": "function", "function": {"name": flat}}


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
