"""Structured replies are waited for here; what they mean stands in `_ladder`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from fusion_graph.contracts import NodeContext
from fusion_graph.errors import NodeFailed
from fusion_graph.kinds._ladder import Question
from fusion_graph.messages import Completion

T = TypeVar("T")


async def ask_one(ctx: NodeContext, question: Question[T]) -> T:
    """One structured reply, read. Raises NodeFailed."""
    while True:
        try:
            reply = await ctx.complete(question.ask)
        except NodeFailed as failed:
            if not question.ease(failed):
                raise
            continue
        found = question.climb(ctx, reply)
        if found is not None:
            return found


async def ask_all(ctx: NodeContext, questions: Sequence[Question[T]]) -> list[T | NodeFailed]:
    """One structured reply per question, all side by side. Failures are values."""
    left, done = dict(enumerate(questions)), dict[int, T | NodeFailed]()
    while left:
        replies = await ctx.complete_all([question.ask for question in left.values()])
        for i, reply in zip(list(left), replies, strict=True):
            found = _heard(ctx, left[i], reply)
            if found is not None:
                done[i] = found
                del left[i]
    return [done[i] for i in range(len(questions))]


def _heard(ctx: NodeContext, question: Question[T], reply: Completion | NodeFailed) -> T | NodeFailed | None:
    """None: ask again."""
    if isinstance(reply, NodeFailed):
        return None if question.ease(reply) else reply
    try:
        return question.climb(ctx, reply)
    except NodeFailed as failed:
        return failed.with_traceback(None)  # whose frames hold the list that it goes into
