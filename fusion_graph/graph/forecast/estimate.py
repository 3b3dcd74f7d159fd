"""What a pipeline can cost, from the file alone, before anything is spent: calls, attempts, tokens, dollars, seconds,
and whether its answer streams. Pure; prices come in as an argument, and an unknown price makes a cost None, never 0.

All figures are bounds, not guesses: `most` and `worst` assume that every text is as long as it may be. What cannot be
known from the file stays out and is said so in `notes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol

from fusion_graph.contracts import Calls
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.forecast import tokens
from fusion_graph.graph.forecast.critical import critical_path
from fusion_graph.graph.forecast.least import Least, reachable
from fusion_graph.graph.forecast.liveness import first_token
from fusion_graph.messages import Usage, total_cost
from fusion_graph.pipeline import Limits, ModelOptions, Node

PROMPT_TOKENS = 1000  # of the conversation, where the caller does not say
LONGEST_WAIT_S = 8.0  # between two attempts


class Rates(Protocol):
    """A model's prices."""

    def cost(self, usage: Usage) -> float:
        """USD for these tokens."""


class Cost(NamedTuple):
    """USD, every text at full length. `least`: the fewest calls; `most`: all calls, each answered at once; `worst`: all
    attempts at all models. None: a price is unknown."""

    least: float | None = 0.0
    most: float | None = 0.0
    worst: float | None = 0.0


NO_CALLS, NO_COST = Calls(0, 0), Cost()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEstimate:
    """One node. Tokens are those of one call at most; `attempts` counts retries and alternates, `seconds` too."""

    id: str
    kind: str
    model: str = ""
    alternates: tuple[str, ...] = ()
    calls: Calls = NO_CALLS
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    assumed: bool = False  # max_tokens is not set: output_tokens is DEFAULT_OUTPUT_TOKENS
    seconds: float = 0.0
    cost: Cost = NO_COST


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """The longest chain of calls, one after the other. `seconds` is cut at the deadline if there is one."""

    nodes: tuple[str, ...] = ()
    calls: int = 0
    seconds: float = 0.0
    uncapped_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A whole run. Token totals count every call once; `hold_usd` is the dearest single call of a writer, what a budget
    holds back from the start. `first_token` is `live` or `held (why)`."""

    pipeline: str
    nodes: tuple[NodeEstimate, ...]
    calls: Calls
    attempts: int
    input_tokens: int
    output_tokens: int
    cost: Cost
    unknown_prices: tuple[str, ...]
    path: Path
    first_token: str
    hold_usd: float | None
    prompt_tokens: int
    limits: Limits
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        plain = asdict(self)
        for part in (plain, *plain["nodes"]):
            part["calls"], part["cost"] = part["calls"]._asdict(), part["cost"]._asdict()
        return plain


def estimate(bound: Bound, rates: Callable[[str], Rates | None], prompt_tokens: int = PROMPT_TOKENS) -> Estimate:
    """Bounds of a run. `rates` takes a model as the file has it (`slug` or `slug@backend`) and gives its prices, of a
    free backend zeros, None when nobody knows. `prompt_tokens`: the conversation's."""
    sizes = tokens.sizes(bound)
    calls = [bound.kinds[i].calls(node, tokens.seen(bound, i, sizes).drafts) for i, node in enumerate(bound.nodes)]
    least = Least(bound.plan, [c.least for c in calls])
    needed, asked = least.nodes(), frozenset(i for i in reachable(bound.plan) if least.can_run(i))
    nodes = []
    for i, node in enumerate(bound.nodes):
        count = Calls(calls[i].least if i in needed else 0, calls[i].most if i in asked else 0)
        prompt = prompt_tokens + tokens.prompt_tokens(bound, i, sizes)
        nodes.append(_node(bound, node, count, prompt, rates))
    seconds = [n.seconds for n in nodes]
    unknown = _unknown((bound.nodes[i] for i in sorted(asked) if calls[i].most), rates)
    return Estimate(
        pipeline=bound.pipeline.name,
        nodes=tuple(nodes),
        calls=Calls(sum(n.calls.least for n in nodes), sum(n.calls.most for n in nodes)),
        attempts=sum(n.attempts for n in nodes),
        input_tokens=sum(n.input_tokens * n.calls.most for n in nodes),
        output_tokens=sum(n.output_tokens * n.calls.most for n in nodes),
        cost=Cost(*(total_cost(parts) for parts in zip(*(n.cost for n in nodes), strict=True))) if nodes else NO_COST,
        unknown_prices=unknown,
        path=_path(bound, seconds),
        first_token=first_token(bound),
        hold_usd=_hold(bound, nodes, rates),
        prompt_tokens=prompt_tokens,
        limits=bound.limits,
        notes=_notes(bound, nodes),
    )


def _node(bound: Bound, node: Node, calls: Calls, prompt: int, rates: Callable[[str], Rates | None]) -> NodeEstimate:
    if node.model is None:
        return NodeEstimate(id=node.id, kind=node.kind)
    models = [str(m) for m in (node.model.model, *node.model.alternates)]
    usage = Usage(prompt_tokens=prompt, completion_tokens=tokens.output_tokens(node))
    prices = [_price(rates(m), usage) for m in models]
    tries = node.model.retry.attempts
    return NodeEstimate(
        id=node.id,
        kind=node.kind,
        model=models[0],
        alternates=tuple(models[1:]),
        calls=calls,
        attempts=calls.most * tries * len(models),
        input_tokens=prompt,
        output_tokens=usage.completion_tokens,
        assumed=node.model.max_tokens is None,
        seconds=_seconds(node.model, _steps(bound, node)) if calls.most else 0.0,
        cost=Cost(
            _times(prices[0], calls.least),
            _times(prices[0], calls.most),
            total_cost(_times(price, calls.most * tries) for price in prices),
        ),
    )


def _seconds(model: ModelOptions, steps: int) -> float:
    """The most that calls one after the other take: each attempt its whole timeout, the longest waits in between."""
    retry = model.retry
    waits = sum(min(LONGEST_WAIT_S, retry.backoff_s * 2.0**k) for k in range(retry.attempts - 1))
    return steps * (1 + len(model.alternates)) * (retry.attempts * model.timeout.total_s + waits)


def _steps(bound: Bound, node: Node) -> int:
    """Calls one after the other: those that come with more drafts run side by side, so one draft shows the chain."""
    return max(1, bound.kinds[node.index].calls(node, 1).most)


def _path(bound: Bound, seconds: Sequence[float]) -> Path:
    found = critical_path(bound.plan, seconds)
    chain = [bound.nodes[i] for i in found.nodes if seconds[i] > 0]
    deadline = bound.limits.deadline_s
    return Path(
        nodes=tuple(node.id for node in chain),
        calls=sum(_steps(bound, node) for node in chain),
        seconds=found.seconds if deadline is None else min(found.seconds, deadline),
        uncapped_s=found.seconds,
    )


def _hold(bound: Bound, nodes: Sequence[NodeEstimate], rates: Callable[[str], Rates | None]) -> float | None:
    """The dearest call of a writer of the answer; None when there is no writer or a price is unknown."""
    prices = [
        _price(rates(n.model), Usage(prompt_tokens=n.input_tokens, completion_tokens=n.output_tokens))
        for n in (nodes[i] for i in sorted(bound.writers))
    ]
    known = [p for p in prices if p is not None]
    return max(known) if known and len(known) == len(prices) else None


def _unknown(nodes: Iterable[Node], rates: Callable[[str], Rates | None]) -> tuple[str, ...]:
    models = dict.fromkeys(str(m) for n in nodes if n.model for m in (n.model.model, *n.model.alternates))
    return tuple(m for m in models if rates(m) is None)


def _notes(bound: Bound, nodes: Sequence[NodeEstimate]) -> tuple[str, ...]:
    """What the figures rest on."""
    notes = []
    if any(n.assumed and n.calls.most for n in nodes):
        notes.append(f"a call without max_tokens counts as {tokens.DEFAULT_OUTPUT_TOKENS} tokens of output")
    if any(node.model and node.model.tools for node in bound.nodes):
        notes.append("calls that a model's tools lead to are not counted")
    if bound.limits.max_concurrency:
        notes.append("seconds do not count waiting for a free place")
    return tuple(notes)


def _price(rate: Rates | None, usage: Usage) -> float | None:
    return None if rate is None else rate.cost(usage)


def _times(price: float | None, count: int) -> float | None:
    """The price of so many; nothing of an unknown price still costs nothing."""
    return 0.0 if count == 0 else None if price is None else price * count
