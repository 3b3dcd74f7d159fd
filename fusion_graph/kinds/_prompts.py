"""Puts prompts together: the caller's conversation stays as it is and stays first, what a node adds comes behind it. A
judge and a critic, who must not reply to the conversation, get it quoted instead."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fusion_graph.contracts import Input, NodeContext
from fusion_graph.graph.template import fill, names
from fusion_graph.kinds._present import choose_drafts, guard, show_drafts, show_findings
from fusion_graph.messages import Message
from fusion_graph.outputs import Draft, drafts_of


def rest_inputs(ctx: NodeContext) -> Sequence[Input]:
    """The inputs that are not shown apart by an `{{input.<id>}}`: what `{{drafts}}` and `{{analysis}}` are made of."""
    model = ctx.node.model
    if model is None or (model.prompt is None and model.system is None):
        return ctx.inputs
    apart = {*names(model.prompt or ""), *names(model.system or "")}
    return [source for source in ctx.inputs if f"input.{source.id}" not in apart]


def instruct(ctx: NodeContext, own: str, drafts: Sequence[Draft], *, first: Sequence[str] = (), last: str = "") -> str:
    """What a node is asked for: its `prompt`, filled, else the drafts, the analysis and the kind's own words. No prompt
    replaces `first` and `last`."""
    prompt = ctx.node.model.prompt if ctx.node.model else None
    if prompt is None:
        body = [*show_drafts(ctx, drafts), show_findings(ctx, rest_inputs(ctx)), own]
    else:
        body = [fill(prompt, _values(ctx, prompt, drafts))]
    return guard(ctx, [*first, *body, last])


def write_messages(ctx: NodeContext, added: str) -> tuple[Message, ...]:
    """For a writer: its `system` if it has one, the conversation unchanged, and `added` as a user message."""
    head = lead(ctx)
    if not added:
        return (*head, *ctx.conversation) if head else ctx.conversation
    return (*head, *ctx.conversation, Message("user", added))


def read_messages(ctx: NodeContext, own_system: str, asked: str) -> tuple[Message, ...]:
    """For a reader of drafts: a system text and one user message."""
    return (*(lead(ctx) or (Message("system", own_system),)), Message("user", asked))


def lead(ctx: NodeContext) -> tuple[Message, ...]:
    """The node's own `system`, filled."""
    system = ctx.node.model.system if ctx.node.model else None
    if system is None:
        return ()
    drafts = choose_drafts(ctx, rest_inputs(ctx)) if "drafts" in names(system) else ()
    return (Message("system", guard(ctx, [fill(system, _values(ctx, system, drafts))])),)


def _values(ctx: NodeContext, template: str, drafts: Sequence[Draft]) -> dict[str, str]:
    return {name: _value(ctx, name, drafts) for name in names(template)}


def _value(ctx: NodeContext, name: str, drafts: Sequence[Draft]) -> str:
    if name == "question":
        return ctx.question
    if name == "drafts":
        return "\n\n".join(show_drafts(ctx, drafts))
    if name == "analysis":
        return show_findings(ctx, rest_inputs(ctx))
    if name.startswith("params."):
        return _spell(ctx.params.get(name.removeprefix("params.")))
    one = [source for source in ctx.inputs if source.id == name.removeprefix("input.")]
    if any(drafts_of(source.value) for source in one):
        return "\n\n".join(show_drafts(ctx, choose_drafts(ctx, one)))
    return show_findings(ctx, one)


def _spell(value: Any) -> str:
    """A parameter in a text: as it stands if it is text, a list with commas, anything else as JSON has it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return ", ".join(_spell(item) for item in value)
    return "" if value is None else json.dumps(value)
