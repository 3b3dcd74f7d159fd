"""The wire of Chat Completions (wire contract 1.2): what is honoured, what is for the final writer only, what is
ignored and named, what is refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from fusion_graph.messages import Sampling
from fusion_graph.server._errors import invalid
from fusion_graph.server._wires import fields
from fusion_graph.server._wires.asked import Asked
from fusion_graph.server._wires.chat_out import Chunks
from fusion_graph.server._wires.forms import read_format
from fusion_graph.server._wires.fusion import read_convening
from fusion_graph.server._wires.fusion_block import read_block
from fusion_graph.server._wires.sender import SENDER, read_sender
from fusion_graph.server._wires.speech import Speaks, Wire
from fusion_graph.server._wires.tools import read_tools
from fusion_graph.server._wires.turns import MAX_PARTS, read_messages

READ = frozenset(
    {
        "model", "messages", "stream", "stream_options", "temperature", "top_p", "frequency_penalty",
        "presence_penalty", "reasoning_effort", "verbosity", "seed", "max_completion_tokens", "max_tokens", "stop",
        "logit_bias", "prediction", "response_format", "n", "tools", "tool_choice", "parallel_tool_calls", "functions",
        "function_call", "fusion", "modalities", "logprobs", "top_logprobs", "plugins", *SENDER,
    }
)  # fmt: skip
PLAIN = frozenset({"model", "messages", "stream", "n", "seed"})
"""All that most requests say."""
OTHERS = frozenset({"model", "messages", "stream", "stream_options", "seed", "n", "fusion", *SENDER})
"""The fields among them that are not for the writer."""


def read_chat(body: Mapping[str, Any], *, max_n: int) -> Asked:
    """Raises Refused with the exact path of the first field that is wrong."""
    if body.keys() <= PLAIN:
        return _plain(body, max_n)
    ignored = fields.unread(body, READ)
    _modalities(body)
    _include_usage(body, ignored)
    convening, alone = read_convening(body, ignored)
    block = read_block(body)
    return replace(
        _plain(body, max_n),
        writer=_writer(body, ignored),
        sender=read_sender(body),
        **{**block, "solo": block["solo"] or alone},
        convening=convening,
        ignored=tuple(ignored),
    )


def _plain(body: Mapping[str, Any], max_n: int) -> Asked:
    stream, n, seed = body.get("stream"), body.get("n"), body.get("seed")
    return Asked(
        fields.text(body.get("model"), "model", most=256, least=1),
        read_messages(body.get("messages")),
        stream is not None and fields.boolean(stream, "stream"),
        1 if n is None else fields.integer(n, "n", 1, max_n),
        None if seed is None else fields.integer(seed, "seed", -(2**63), 2**63 - 1),
    )


def _modalities(body: Mapping[str, Any]) -> None:
    wanted = fields.array(fields.given(body, "modalities", []), "modalities", most=8)
    if "audio" in wanted:
        raise invalid("this server gives no audio", "modalities")
    for i, name in enumerate(wanted):
        fields.text(name, f"modalities[{i}]", most=64)


def _include_usage(body: Mapping[str, Any], ignored: list[str]) -> bool:
    options = fields.mapping(fields.given(body, "stream_options", {}), "stream_options")
    ignored += [f"stream_options.{name[:64]}" for name in options if name != "include_usage"][:4]
    wanted = options.get("include_usage")
    return wanted is not None and fields.boolean(wanted, "stream_options.include_usage")


def _writer(body: Mapping[str, Any], ignored: list[str]) -> Sampling | None:
    """The fields that reach the final writer only; None when the request sets none."""
    if body.keys() <= OTHERS:
        return None
    tools, tool_choice = read_tools(body, ignored)
    asked = Sampling(
        temperature=fields.optional(body, "temperature", fields.number, 0, 2),
        top_p=fields.optional(body, "top_p", fields.number, 0, 1),
        max_tokens=_max_tokens(body, ignored),
        stop_sequences=_stop(body.get("stop")),
        reasoning_effort=fields.optional(body, "reasoning_effort", fields.choice, fields.EFFORTS),
        response_format=read_format(body.get("response_format")),
        tools=tools,
        tool_choice=tool_choice,
        extra=_extra(body, tools=bool(tools)),
    )
    return None if asked == Sampling() else asked


def _max_tokens(body: Mapping[str, Any], ignored: list[str]) -> int | None:
    name = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
    wanted: int | None = fields.optional(body, name, fields.integer, 0, fields.MAX_TOKENS)
    if wanted == 0:
        ignored.append(name)
    return wanted or None


def _stop(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    texts = [value] if isinstance(value, str) else fields.array(value, "stop", most=16)
    return tuple(
        fields.text(t, "stop" if isinstance(value, str) else f"stop[{i}]", most=1024) for i, t in enumerate(texts)
    )


def _top_logprobs(body: Mapping[str, Any]) -> int | None:
    most: int | None = fields.optional(body, "top_logprobs", fields.integer, 0, 20)
    if most is not None and body.get("logprobs") is not True:
        raise invalid("top_logprobs needs logprobs: true", "top_logprobs")
    return most


def _logit_bias(value: Any, path: str) -> Mapping[str, Any]:
    for token, bias in fields.mapping(value, path).items():
        fields.number(bias, f"{path}.{token[:64]}", -100, 100)
    return value  # type: ignore[no-any-return] # it is a mapping


def _prediction(value: Any, path: str) -> Mapping[str, Any]:
    given = fields.mapping(value, path)
    fields.choice(given.get("type"), f"{path}.type", ("content",))
    if not isinstance(given.get("content"), str):
        fields.array(given.get("content"), f"{path}.content", most=MAX_PARTS)
    return given


def _extra(body: Mapping[str, Any], *, tools: bool) -> Mapping[str, Any]:
    """Fields that the engine passes on without a word of its own for them."""
    found = {
        "frequency_penalty": fields.optional(body, "frequency_penalty", fields.number, -2, 2),
        "presence_penalty": fields.optional(body, "presence_penalty", fields.number, -2, 2),
        "verbosity": fields.optional(body, "verbosity", fields.choice, ("low", "medium", "high")),
        "logit_bias": fields.optional(body, "logit_bias", _logit_bias),
        "prediction": fields.optional(body, "prediction", _prediction),
        "logprobs": fields.optional(body, "logprobs", fields.boolean) or None,
        "top_logprobs": _top_logprobs(body),
    }
    parallel = fields.optional(body, "parallel_tool_calls", fields.boolean)
    if tools:
        found["parallel_tool_calls"] = parallel
    return {name: value for name, value in found.items() if value is not None}


def _read(body: Mapping[str, Any], max_n: int) -> tuple[Asked, Speaks]:
    asked = read_chat(body, max_n=max_n)
    return asked, partial(
        Chunks,
        include_usage=asked.stream and _include_usage(body, []),
        n=asked.n,
        progress="progress" in asked.include,
    )


CHAT = Wire("chat_completions", counts_first=False, insistent=False, read=_read)
