"""refine: criticises a text and rewrites it, round by round, and never makes it worse than it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fusion_graph.contracts import Calls, Kind, NodeContext
from fusion_graph.outputs import Draft, Gives
from fusion_graph.pipeline import Node, NodeSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Refine:
    """`rounds` of critique and rewrite at most. `keep_best`: each critique scores too and the highest score wins."""

    rounds: int = 1
    keep_best: bool = False


def parse(options: Mapping[str, Any]) -> Refine:
    return Refine(rounds=options.get("rounds") or 1, keep_best=bool(options.get("keep_best")))


def count_calls(node: Node, _drafts: int) -> Calls:
    """One critique that accepts, at the least; with `keep_best` one more critique, of the last text."""
    options: Refine = node.options
    return Calls(1, 2 * options.rounds + options.keep_best)


def check(spec: NodeSpec, gives: Mapping[str, Gives]) -> Sequence[tuple[str, str, str]]:
    for index, edge in enumerate(spec.inputs):
        if gives.get(edge.node) in ("draft", "vote"):
            if edge.optional:
                return [("FG404", f"/inputs/{index}", f"{edge.node} is the text to refine, so it takes no `?`")]
            return ()
    return [("FG404", "/inputs", "refine needs one text to refine: an input that gives a single draft")]


async def run(ctx: NodeContext) -> Draft:
    raise NotImplementedError


KIND = Kind(
    name="refine",
    summary="Criticises a text and rewrites it; a revision that is no better never replaces it.",
    takes=frozenset({"draft", "drafts", "vote", "analysis", "scores"}),
    gives=lambda _options: "draft",
    schema={
        "rounds": {
            "type": "integer",
            "minimum": 1,
            "maximum": 8,
            "description": "Rounds of critique and rewrite, at most; 1 if absent.",
        },
        "keep_best": {
            "type": "boolean",
            "description": "Critiques score as well, the last text gets one more, and the best-scored text is the answer.",
        },
    },
    required=("model",),
    parse=parse,
    calls=count_calls,
    writes=True,
    hands_on=True,
    presents=True,
    needs_draft=True,
    held=lambda options: "keep_best" if options.keep_best else "",
    run=run,
    check=check,
)
