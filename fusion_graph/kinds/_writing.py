"""What the nodes that write share: from a reply to a draft, and the one call of proposer and synth."""

from __future__ import annotations

from fusion_graph.contracts import Ask, NodeContext
from fusion_graph.errors import NodeFailed
from fusion_graph.graph.answers import extract
from fusion_graph.kinds._present import choose_drafts
from fusion_graph.kinds._prompts import instruct, rest_inputs, write_messages
from fusion_graph.messages import Completion, Message
from fusion_graph.outputs import Draft


def make_draft(ctx: NodeContext, completion: Completion) -> Draft:
    """The reply as this node's draft: with its answer if the node extracts one, marked if refused, cut or simulated."""
    model = ctx.node.model
    rule = model.extract if model else None
    return Draft(
        text=completion.text,
        node=ctx.node.id,
        model=completion.model or (model.model.slug if model else ""),
        answer=None if rule is None else extract(rule, completion.text),
        finish_reason=completion.finish_reason,
        refused=completion.refusal is not None or completion.finish_reason == "content_filter",
        tool_calls=completion.tool_calls,
        simulated=completion.simulated,
    )


async def write(ctx: NodeContext, own: str) -> Draft:
    """One call: the conversation, and behind it the drafts with the kind's `own` words. Without drafts and without a
    `prompt` the conversation stands alone, which must cost next to nothing."""
    model = ctx.node.model
    assert model is not None
    if not ctx.inputs and model.prompt is None and model.system is None:
        messages = ctx.conversation
    elif model.present.own != "show" or model.present.select != "all":  # the prompt is this node's alone
        messages = _messages(ctx, own)
    else:
        shared, key = ctx.shared, (own, model.prompt, model.system, model.present)
        messages = shared.get(key) or shared.setdefault(key, _messages(ctx, own))
    return make_draft(ctx, await ctx.complete(Ask(messages, "final")))


def _messages(ctx: NodeContext, own: str) -> tuple[Message, ...]:
    drafts = choose_drafts(ctx, rest_inputs(ctx))
    return write_messages(ctx, instruct(ctx, own if drafts else "", drafts))


def require_drafts(ctx: NodeContext, drafts: list[Draft]) -> list[Draft]:
    """Raises NodeFailed where inputs came and none of them brought a draft."""
    if not drafts:
        raise NodeFailed("no_input", f"{ctx.node.id} has no draft to work on")
    return drafts
