"""What a call sends beside its model and messages: the node's own options, over them what the request asks of the
writer, over them what the kind asks of this call, and the seed of this draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusion_graph.graph.typed import Draw, seeded
from fusion_graph.messages import Sampling

if TYPE_CHECKING:
    from fusion_graph.contracts import Ask
    from fusion_graph.engine.run import Run
    from fusion_graph.pipeline import Node

UNSET = Sampling()
STYLE = ("frequency_penalty", "presence_penalty", "verbosity")


def sampling_for(run: Run, node: Node, ask: Ask, choice: int) -> tuple[Sampling, Draw]:
    """What one call sends, and its draw. The writers' own text takes the request's fields; everything else only the
    node's (semantics 3). Where nobody asks for anything, that is known from the start."""
    if run.unasked and not (ask.round or choice or ask.tools) and ask.max_tokens is None:
        sends = run.bound.sends[node.index]
        if sends is not None and sends[0].response_format is ask.response_format:
            return sends
    ordinal, sample = node.member.draw if node.member is not None else (0, 0)
    draw = (ordinal, sample, ask.round, choice)
    made = _requested(run, node, writes=ask.purpose != "note" and node.index in run.bound.writers)
    if ask.response_format is not None:
        made = made._replace(response_format=ask.response_format)
    if ask.max_tokens is not None:
        made = made._replace(max_tokens=ask.max_tokens)
    if ask.tools:
        made = made._replace(tools=ask.tools, tool_choice=ask.tool_choice)
    return seeded(made, draw), draw


def _requested(run: Run, node: Node, *, writes: bool) -> Sampling:
    made = run.samplings.get((node.index, writes))
    if made is None:
        own, request = run.bound.samplings[node.index], run.request
        assert own is not None
        made = own if request.seed is None else own._replace(seed=request.seed)
        if request.writer is not None:
            if writes:
                made = _over(made, request.writer)
            elif node.model is not None and node.model.inherit:
                made = _over(made, _style(request.writer))
        run.samplings[node.index, writes] = made
    return made


def _over(made: Sampling, asked: Sampling) -> Sampling:
    """What is asked in the place of what is made; what is not asked stays."""
    fields = {name: getattr(asked, name) for name in Sampling._fields}
    return made._replace(**{k: v for k, v in fields.items() if v != getattr(UNSET, k)})


def _style(asked: Sampling) -> Sampling:
    """The part of a request that a node with `inherit` takes: how it is written, not what form it has or where it
    ends."""
    extra = {name: asked.extra[name] for name in STYLE if name in asked.extra}
    return Sampling(
        temperature=asked.temperature, top_p=asked.top_p, reasoning_effort=asked.reasoning_effort, extra=extra
    )
