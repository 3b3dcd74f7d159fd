"""A chat request as typed values (wire contract 1.2): what is honoured, what is for the final writer only, what is
ignored and named, what is refused. Pure. Nothing here knows which pipelines there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fusion_graph.messages import Message, Sampling
from fusion_graph.server import _fields as fields
from fusion_graph.server._errors import invalid
from fusion_graph.server._forms import read_format
from fusion_graph.server._messages import read_messages
from fusion_graph.server._tools import read_tools

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
INCLUDES = ("responses", "analysis", "nodes", "progress")
OWN = frozenset({"include", "events", "enabled"})
"""Keys of the `fusion` block that are the server's and not the pipeline's."""
SENDER = (
    "user", "safety_identifier", "metadata", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options",
    "service_tier",
)  # fmt: skip
"""What a request says of who sends it: for the writer's backend if the pipeline says `forward`, else ignored."""
OBJECTS = frozenset({"metadata", "prompt_cache_options"})
READ = frozenset(
    {
        "model", "messages", "stream", "stream_options", "temperature", "top_p", "frequency_penalty",
        "presence_penalty", "reasoning_effort", "verbosity", "seed", "max_completion_tokens", "max_tokens", "stop",
        "logit_bias", "prediction", "response_format", "n", "tools", "tool_choice", "parallel_tool_calls", "functions",
        "function_call", "fusion", "modalities", "logprobs", "top_logprobs", *SENDER,
    }
)  # fmt: skip
OTHERS = frozenset({"model", "messages", "stream", "stream_options", "seed", "n", "fusion", *SENDER})
"""The fields among them that are not for the writer."""
MAX_NAMED = 32  # of ignored fields, each cut to this many characters
MAX_TOKENS = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """What a client asks for. `block` is the `fusion` object without the server's own keys; `ignored` names every field
    that was accepted and not honoured."""

    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    include_usage: bool = False
    n: int = 1
    seed: int | None = None
    writer: Sampling | None = None
    sender: Mapping[str, Any] = field(default_factory=dict)
    block: Mapping[str, Any] = field(default_factory=dict)
    include: frozenset[str] = frozenset()
    solo: bool = False  # `fusion.enabled: false`: the final writer alone
    ignored: tuple[str, ...] = ()


def read_chat(body: Mapping[str, Any], *, max_n: int) -> ChatRequest:
    """Raises Refused with the exact path of the first field that is wrong."""
    ignored = [name[:64] for name, value in body.items() if name not in READ and value is not None][:MAX_NAMED]
    if "audio" in fields.array(_or(body, "modalities", []), "modalities", most=8):
        raise invalid("this server gives no audio", "modalities")
    stream = _optional(body, "stream", fields.boolean) or False
    block = fields.mapping(_or(body, "fusion", {}), "fusion", most=64)
    return ChatRequest(
        model=fields.text(body.get("model"), "model", most=256, least=1),
        messages=read_messages(body.get("messages")),
        stream=stream,
        include_usage=_include_usage(body, ignored) and stream,
        n=fields.integer(body["n"], "n", 1, max_n) if body.get("n") is not None else 1,
        seed=fields.integer(body["seed"], "seed", -(2**63), 2**63 - 1) if body.get("seed") is not None else None,
        writer=_writer(body, ignored),
        sender=_sender(body),
        block={key: value for key, value in block.items() if key not in OWN},
        include=_include(block),
        solo=block.get("enabled") is not None and not fields.boolean(block["enabled"], "fusion.enabled"),
        ignored=tuple(ignored),
    )


def _or(body: Mapping[str, Any], name: str, default: Any) -> Any:
    """null is as good as nothing."""
    value = body.get(name)
    return default if value is None else value


def _optional(body: Mapping[str, Any], name: str, read: Any, *bounds: Any) -> Any:
    value = body.get(name)
    return None if value is None else read(value, name, *bounds)


def _include_usage(body: Mapping[str, Any], ignored: list[str]) -> bool:
    options = fields.mapping(_or(body, "stream_options", {}), "stream_options")
    ignored += [f"stream_options.{name[:64]}" for name in options if name != "include_usage"][:4]
    wanted = options.get("include_usage")
    return wanted is not None and fields.boolean(wanted, "stream_options.include_usage")


def _include(block: Mapping[str, Any]) -> frozenset[str]:
    wanted = fields.array(_or(block, "include", []), "fusion.include", most=len(INCLUDES))
    found = {fields.choice(name, f"fusion.include[{i}]", INCLUDES) for i, name in enumerate(wanted)}
    if block.get("events") is not None and fields.boolean(block["events"], "fusion.events"):
        found.add("progress")
    return frozenset(found)


def _writer(body: Mapping[str, Any], ignored: list[str]) -> Sampling | None:
    """The fields that reach the final writer only; None when the request sets none."""
    if body.keys() <= OTHERS:
        return None
    tools, tool_choice = read_tools(body, ignored)
    asked = Sampling(
        temperature=_optional(body, "temperature", fields.number, 0, 2),
        top_p=_optional(body, "top_p", fields.number, 0, 1),
        max_tokens=_max_tokens(body, ignored),
        stop_sequences=_stop(body.get("stop")),
        reasoning_effort=_optional(body, "reasoning_effort", fields.choice, EFFORTS),
        response_format=read_format(body.get("response_format")),
        tools=tools,
        tool_choice=tool_choice,
        extra=_extra(body, tools=bool(tools)),
    )
    return None if asked == Sampling() else asked


def _max_tokens(body: Mapping[str, Any], ignored: list[str]) -> int | None:
    name = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
    wanted: int | None = _optional(body, name, fields.integer, 0, MAX_TOKENS)
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


def _sender(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Passed on or named later, when it is known which pipeline is asked."""
    found: dict[str, Any] = {}
    for name in SENDER:
        value = body.get(name)
        if value is None:
            continue
        if name in OBJECTS:
            fields.mapping(value, name, most=64)
        else:
            fields.text(value, name, most=512)
        found[name] = value
    return found


def _top_logprobs(body: Mapping[str, Any]) -> int | None:
    most: int | None = _optional(body, "top_logprobs", fields.integer, 0, 20)
    if most is not None and body.get("logprobs") is not True:
        raise invalid("top_logprobs needs logprobs: true", "top_logprobs")
    return most


def _extra(body: Mapping[str, Any], *, tools: bool) -> Mapping[str, Any]:
    """Fields that the engine passes on without a word of its own for them."""
    found = {
        "frequency_penalty": _optional(body, "frequency_penalty", fields.number, -2, 2),
        "presence_penalty": _optional(body, "presence_penalty", fields.number, -2, 2),
        "verbosity": _optional(body, "verbosity", fields.choice, ("low", "medium", "high")),
        "logit_bias": _optional(body, "logit_bias", fields.mapping),
        "prediction": _optional(body, "prediction", fields.mapping),
        "logprobs": _optional(body, "logprobs", fields.boolean) or None,
        "top_logprobs": _top_logprobs(body),
    }
    parallel = _optional(body, "parallel_tool_calls", fields.boolean)
    if tools:
        found["parallel_tool_calls"] = parallel
    return {name: value for name, value in found.items() if value is not None}
