"""fallback: the first usable of its options, in order of preference. Computed in code; never writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fusion_graph.contracts import Calls, Kind, NodeContext, WaitFirst
from fusion_graph.outputs import Draft, Gives
from fusion_graph.pipeline import NodeSpec

Pick = Literal["first", "longest", "best_score", "majority"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """`pick` reduces a group option; None = best_score if a scoring judge is among the inputs, else first."""

    pick: Pick | None = None
    hedge_after_s: float | None = None


def parse(options: Mapping[str, Any]) -> Fallback:
    return Fallback(pick=options.get("pick"), hedge_after_s=options.get("hedge_after_s"))


def check(spec: NodeSpec, gives: Mapping[str, Gives]) -> Sequence[tuple[str, str, str]]:
    types = [gives.get(edge.node) for edge in spec.inputs]
    pick = spec.options.get("pick")
    found = []
    if types and not {"draft", "drafts", "vote"} & set(types):
        found.append(("FG304", "/inputs", "a fallback needs at least one option that gives a draft or drafts"))
    if pick == "best_score" and "scores" not in types:
        found.append(("FG403", "/pick", "`best_score` needs a judge of mode score or rank among the inputs"))
    if pick is not None and "drafts" not in types:
        found.append(("FG405", "/pick", "`pick` chooses from a group, and no input is one"))
    if spec.options.get("hedge_after_s") is not None:
        found += [
            (
                "FG405",
                f"/inputs/{i}",
                f"with `hedge_after_s` every option must call a model itself; {edge.node} does not",
            )
            for i, edge in enumerate(spec.inputs)
            if gives.get(edge.node) not in ("draft", None)
        ]
    return found


def fold(ctx: NodeContext) -> Draft:
    raise NotImplementedError


KIND = Kind(
    name="fallback",
    summary="The first usable of its options; from a group, the one that `pick` says.",
    takes=frozenset({"draft", "drafts", "vote", "scores"}),
    gives=lambda _options: "draft",
    schema={
        "pick": {
            "enum": ["first", "longest", "best_score", "majority"],
            "description": "Which draft of a group; best_score if a scoring judge is among the inputs, else first.",
        },
        "hedge_after_s": {
            "type": "number",
            "exclusiveMinimum": 0,
            "description": "Start the next option this many seconds after the one before, the first usable wins.",
        },
    },
    parse=parse,
    calls_model=lambda _options: False,
    wait=lambda options: WaitFirst(hedge_after_s=options.hedge_after_s),
    calls=lambda _node, _drafts: Calls(0, 0),
    fold=fold,
    check=check,
)
