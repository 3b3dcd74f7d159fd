"""Whether the answer is passed on while it is written: the writer's line of a plan (semantics 3). Pure."""

from __future__ import annotations

from fusion_graph.contracts import WaitFirst
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.forecast.least import Least


def first_token(bound: Bound) -> str:
    """`live`, or `held (why)`: of the chain from the output through each fallback's first option to one writer. An
    option that the parameters rule out is passed over."""
    why = _why(bound)
    return f"held ({why})" if why else "live"


def _why(bound: Bound) -> str:
    plan, i = bound.plan, bound.output
    least = Least(plan, [0] * len(bound.nodes))
    while isinstance(plan.waits[i], WaitFirst):
        options = [s for s in plan.sources[i] if s not in plan.aids[i]]
        option = next((s for s in options if least.can_run(s)), options[0])
        if plan.groups[option]:
            return f"{plan.ids[i]} sends one draft of {plan.ids[option]}, whole"
        i = option
    node, kind = bound.nodes[i], bound.kinds[i]
    if not kind.writes or node.model is None:
        return f"{node.id} hands on a draft verbatim"
    why = bound.held[i]
    return f"{why.strip('`')} of {node.id} looks at the whole text" if why else ""
