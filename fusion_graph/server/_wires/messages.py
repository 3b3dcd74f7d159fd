"""The wire of Anthropic's Messages (wire contract 3.1): its body as what is asked. Pure. Betas and fields that change
nothing here are taken and named."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from fusion_graph.messages import Sampling
from fusion_graph.server._errors import invalid
from fusion_graph.server._wires import fields
from fusion_graph.server._wires.asked import Asked
from fusion_graph.server._wires.blocks import read_conversation
from fusion_graph.server._wires.forms import read_flat_format
from fusion_graph.server._wires.fusion_block import read_block
from fusion_graph.server._wires.messages_out import MessageSpeech
from fusion_graph.server._wires.messages_tools import read_choice, read_tools
from fusion_graph.server._wires.sender import read_sender
from fusion_graph.server._wires.speech import Speaks, Wire

READ = frozenset(
    {
        "model", "messages", "system", "max_tokens", "stream", "temperature", "top_p", "stop_sequences", "tools",
        "tool_choice", "output_config", "output_format", "fusion", "metadata",
    }
)  # fmt: skip


def read_messages_body(body: Mapping[str, Any], *, counting: bool = False) -> Asked:
    """Raises Refused with the exact path of the first field that is wrong. `counting` needs no `max_tokens`."""
    ignored = fields.unread(body, READ)
    model = fields.text(body.get("model"), "model", most=256, least=1)
    messages = read_conversation(body, ignored)
    if not counting and body.get("max_tokens") is None:
        raise invalid("max_tokens must be there", "max_tokens")
    return Asked(
        model=model,
        messages=messages,
        stream=fields.optional(body, "stream", fields.boolean) or False,
        writer=_writer(body, ignored),
        sender=read_sender({"metadata": body.get("metadata")}),
        **read_block(body),
        ignored=tuple(ignored),
    )


def _writer(body: Mapping[str, Any], ignored: list[str]) -> Sampling | None:
    tools = read_tools(body, ignored)
    choice, extra = read_choice(body.get("tool_choice"), tools, ignored)
    most = fields.optional(body, "max_tokens", fields.integer, 0, fields.MAX_TOKENS)
    if most == 0:
        ignored.append("max_tokens")
    stop = fields.array(fields.given(body, "stop_sequences", []), "stop_sequences", most=16)
    config = fields.mapping(fields.given(body, "output_config", {}), "output_config")
    ignored += [f"output_config.{name[:64]}" for name in config if name not in ("effort", "format")][:4]
    effort = config.get("effort")
    form, where = config.get("format"), "output_config.format"
    if form is None:
        form, where = body.get("output_format"), "output_format"
    asked = Sampling(
        temperature=fields.optional(body, "temperature", fields.number, 0, 2),
        top_p=fields.optional(body, "top_p", fields.number, 0, 1),
        max_tokens=most or None,
        stop_sequences=tuple(fields.text(t, f"stop_sequences[{i}]", most=1024) for i, t in enumerate(stop)),
        reasoning_effort=None if effort is None else fields.choice(effort, "output_config.effort", fields.EFFORTS),
        response_format=read_flat_format(form, where, "answer"),
        tools=tools,
        tool_choice=choice,
        extra=extra,
    )
    return None if asked == Sampling() else asked


def _read(body: Mapping[str, Any], _max_n: int) -> tuple[Asked, Speaks]:
    asked = read_messages_body(body)
    stops = asked.writer.stop_sequences if asked.writer is not None else ()
    return asked, partial(MessageSpeech, tells="progress" in asked.include, stops=stops)


MESSAGES = Wire("messages", counts_first=True, insistent=False, read=_read)
