"""What is refused before a run spends anything: missing keys, unknown backends, unknown prices, budgets too small."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusion_graph.engine.estimates import prompt_tokens
from fusion_graph.engine.ledger import Amount, Ledger
from fusion_graph.engine.tooled import check_tools
from fusion_graph.errors import LimitsTooSmall, UsageError
from fusion_graph.graph.forecast import tokens
from fusion_graph.messages import Usage

if TYPE_CHECKING:
    from fusion_graph.engine.request import RunRequest
    from fusion_graph.engine.services import Services
    from fusion_graph.graph.bound import Bound
    from fusion_graph.pipeline import Limits, ModelRef, Node


def check_run(bound: Bound, request: RunRequest, services: Services) -> Amount | None:
    """What is held back for the writer from the start; None for a run that may spend what it likes.

    Raises UsageError naming what is missing. Asks nobody: it looks at settings and prices only.
    """
    if not request.messages:
        raise UsageError("the conversation is empty", hint="give a prompt")
    check_tools(bound, services.toolbox)
    limits, lacks_key = request.limits or bound.limits, False
    for backend in bound.backends:
        lacks_key = lacks_key or services.lanes[backend].needs_key
    if lacks_key or limits.budget_usd is not None:
        for ref, node in bound.models.items():
            _check_model(node, ref, services, budget=limits.budget_usd is not None)
    if request.n > 1 and (not bound.writers or all(bound.held[i] for i in bound.writers)):
        raise UsageError(
            "n > 1 needs a pipeline whose writer streams; this output is held back or verbatim", hint="ask with n = 1"
        )
    if not Ledger.needed(limits):
        return None
    hold = writer_hold(bound, request, services)
    _check_hold(hold, limits)
    return hold


def _check_hold(hold: Amount, limits: Limits) -> None:
    if limits.budget_usd is not None and hold.usd > limits.budget_usd:
        raise LimitsTooSmall(
            f"a budget of {limits.budget_usd:g} USD is too small for one call of the final writer"
            f" (at most {hold.usd:.6f} USD)",
            hint="raise budget_usd, lower max_tokens, or choose a cheaper writer",
        )
    if limits.max_calls is not None and hold.calls > limits.max_calls:
        raise LimitsTooSmall("max_calls leaves no call for the final writer", hint="raise limits.max_calls")
    if limits.max_tokens is not None and hold.tokens > limits.max_tokens:
        raise LimitsTooSmall(
            f"max_tokens {limits.max_tokens} is too small for one call of the final writer (at most {hold.tokens})",
            hint="raise limits.max_tokens or lower the nodes' max_tokens",
        )


def _check_model(node: Node, ref: ModelRef, services: Services, *, budget: bool) -> None:
    lane = services.lanes[ref.backend]
    if lane.needs_key:
        raise UsageError(
            f"node {node.id!r}: backend {lane.backend.name!r} needs a key and none is set",
            hint="set FUSION_API_KEY (or OPENROUTER_API_KEY, OPENAI_API_KEY), or use a model @sim or @local",
        )
    if budget and not services.priced(ref):
        raise UsageError(
            f"node {node.id!r}: the price of {ref} is unknown, so a budget cannot be kept",
            hint="give its price with --prices FILE, declare its backend free, or drop budget_usd",
        )


def writer_hold(bound: Bound, request: RunRequest, services: Services) -> Amount:
    """The worst case of one call of a writer of W(output), the dearest one: what is held back from the start."""
    asked, sizes = prompt_tokens(request.messages), tokens.sizes(bound)
    wanted = request.writer.max_tokens if request.writer else None
    worst = Amount()
    for i in bound.writers:
        node = bound.nodes[i]
        assert node.model is not None
        usage = Usage(
            prompt_tokens=request.n * (asked + tokens.prompt_tokens(bound, i, sizes)),
            completion_tokens=request.n * (wanted or tokens.output_tokens(node)),
        )
        cost = services.cost(services.lanes[node.model.model.backend], node.model.model.slug, usage) or 0.0
        worst = max(worst, Amount(cost, request.n, usage.total_tokens))
    return worst
