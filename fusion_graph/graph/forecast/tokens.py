"""How many tokens and drafts can stand in a node's value and in its prompt, at most. Pure.

Tokens are bytes / 4, as everywhere. A draft is bounded by its node's `max_tokens`, and by DEFAULT_OUTPUT_TOKENS where
the file sets none: then the bound is an assumption and is reported as one.
"""

from __future__ import annotations

from typing import NamedTuple

from fusion_graph.graph.bound import Bound
from fusion_graph.graph.forecast.masks import bits, union
from fusion_graph.pipeline import Node

DEFAULT_OUTPUT_TOKENS = 4096
KIND_TOKENS = 1000  # a kind's own instructions around the drafts
BYTES = 4  # of a token


class Size(NamedTuple):
    """What a node's value can hold. `writers` is the bit mask of nodes whose drafts may be in it: the same draft that
    arrives twice is shown once. `rest` are tokens that are no draft."""

    drafts: int = 0
    tokens: int = 0
    writers: int = 0
    rest: int = 0


def sizes(bound: Bound) -> list[Size]:
    """The most each node can give, by index."""
    found = [Size()] * len(bound.nodes)
    for i in bound.plan.order:
        found[i] = _given(bound, bound.nodes[i], found)
    return found


def seen(bound: Bound, i: int, found: list[Size]) -> Size:
    """The most that node i can see of its inputs, all drafts once, within its `present`."""
    node = bound.nodes[i]
    size = _joined(bound, i, found)
    if node.model is None:
        return size
    present, drafts, tokens = node.model.present, size.drafts, size.tokens
    if present.select != "all":
        drafts = min(drafts, present.select[1])
        tokens = min(tokens, drafts * _longest(bound, size.writers))
    if present.max_chars:
        tokens = min(tokens, drafts * (present.max_chars // BYTES + 1))
    return size._replace(drafts=drafts, tokens=tokens)


def output_tokens(node: Node) -> int:
    """The most one call of a node can write."""
    return (node.model.max_tokens if node.model else 0) or DEFAULT_OUTPUT_TOKENS


def prompt_tokens(bound: Bound, i: int, found: list[Size]) -> int:
    """The most that stands in one prompt of node i beside the conversation. A node that works on its own text again (a
    refine) also shows its critique."""
    node, size = bound.nodes[i], seen(bound, i, found)
    texts = (node.model.system or "", node.model.prompt or "") if node.model else ()
    own = sum(len(text.encode()) // BYTES for text in texts)
    again = output_tokens(node) if bound.kinds[i].hands_on else 0
    return KIND_TOKENS + own + size.tokens + size.rest + again


def _given(bound: Bound, node: Node, found: list[Size]) -> Size:
    if node.gives in ("analysis", "scores"):
        return Size(rest=output_tokens(node))
    if bound.kinds[node.index].writes:
        return Size(1, output_tokens(node), 1 << node.index)
    joined = _joined(bound, node.index, found)
    if node.gives == "drafts":
        return joined._replace(rest=0)
    return Size(1, min(joined.tokens, _longest(bound, joined.writers)), joined.writers)


def _joined(bound: Bound, i: int, found: list[Size]) -> Size:
    """The inputs together. Of one draft out of several (a fallback's) the writers are not counted, only known."""
    sources = [found[s] for s in bound.plan.sources[i]]
    writers = union(size.writers for size in sources)
    total, tokens = sum(s.drafts for s in sources), sum(s.tokens for s in sources)
    if writers.bit_count() < total:
        total, tokens = writers.bit_count(), min(tokens, _sum(bound, writers))
    return Size(total, tokens, writers, sum(s.rest for s in sources))


def _longest(bound: Bound, writers: int) -> int:
    return max((output_tokens(bound.nodes[i]) for i in bits(writers)), default=0)


def _sum(bound: Bound, writers: int) -> int:
    return sum(output_tokens(bound.nodes[i]) for i in bits(writers))
