"""fallback: the first usable of its options, in order of preference. Computed in code; never writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fusion_graph.contracts import Calls, Kind, NodeContext, WaitFirst
from fusion_graph.errors import NodeFailed
from fusion_graph.kinds._scoring import count_votes, scores_of, sort_by_score
from fusion_graph.outputs import Draft, Gives, Scores, drafts_of
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
    """The chosen option comes first; behind it the scores of judges. A single draft is handed on as it is."""
    chosen = drafts_of(ctx.inputs[0].value) if ctx.inputs else ()
    if not chosen:
        raise NodeFailed("no_input", "no option gave a draft")
    return chosen[0] if len(chosen) == 1 else _pick(ctx, chosen)


def _pick(ctx: NodeContext, drafts: Sequence[Draft]) -> Draft:
    """Ties go to the earlier draft; where there is nothing to go by, it is the first."""
    scored = any(isinstance(source.value, Scores) for source in ctx.inputs)
    pick = ctx.node.options.pick or ("best_score" if scored else "first")
    if pick == "longest":
        return max(drafts, key=lambda draft: draft.chars)
    if pick == "majority":
        tally = count_votes((draft, draft.answer) for draft in drafts)
        if tally is not None:
            return tally.draft
        ctx.degrade("no_answers", "no draft has an answer to count", "took the first draft")
    if pick == "best_score":
        scores = scores_of(ctx.inputs)
        if any(draft.node in scores for draft in drafts):
            return sort_by_score(drafts, scores)[0]
        ctx.degrade("no_scores", "no judge among the inputs scored these drafts", "took the first draft")
    return drafts[0]


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
