"""What proposer and synth share: the one prompt they write from."""

from __future__ import annotations

from fusion_graph.contracts import NodeContext
from fusion_graph.errors import NodeFailed
from fusion_graph.kinds._present import choose_drafts
from fusion_graph.kinds._prompts import instruct, rest_inputs, write_messages
from fusion_graph.messages import Message
from fusion_graph.outputs import Draft


def write(ctx: NodeContext, own: str) -> tuple[Message, ...]:
    """The conversation, and behind it the drafts with the kind's `own` words. Without drafts and without a `prompt` the
    conversation stands alone."""
    model = ctx.node.model
    if not ctx.inputs and (model is None or model.prompt is None):
        return write_messages(ctx, "")
    drafts = choose_drafts(ctx, rest_inputs(ctx))
    return write_messages(ctx, instruct(ctx, own if drafts else "", drafts))


def require_drafts(ctx: NodeContext, drafts: list[Draft]) -> list[Draft]:
    """Raises NodeFailed where inputs came and none of them brought a draft."""
    if not drafts:
        raise NodeFailed("no_input", f"{ctx.node.id} has no draft to work on")
    return drafts
