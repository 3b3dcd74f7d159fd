"""judge: reads drafts and says what is in them. It analyses, scores, ranks or selects; a vote is counted in code."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fusion_graph.contracts import Calls, Kind, NodeContext
from fusion_graph.errors import NodeFailed
from fusion_graph.graph.answers import EXTRACT, extract, parse_rule
from fusion_graph.kinds._asking import ask_one
from fusion_graph.kinds._duties import ANALYZING, COMPARING, DUTIES, question_of
from fusion_graph.kinds._judging import judge
from fusion_graph.kinds._present import choose_drafts, show_conversation, unique_drafts
from fusion_graph.kinds._scoring import count_votes
from fusion_graph.kinds._writing import require_drafts
from fusion_graph.outputs import Gives, Value, Vote
from fusion_graph.pipeline import Extract, Node, NodeSpec

Mode = Literal["analyze", "score", "rank", "select", "vote"]

GIVES: Mapping[str, Gives] = {
    "analyze": "analysis",
    "score": "scores",
    "rank": "scores",
    "select": "draft",
    "vote": "vote",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """`repair` is how often a model may mend a reply that does not fit its schema. `extract` serves a vote over drafts
    that carry no answer of their own."""

    mode: Mode = "analyze"
    compare: Literal["list", "pairs"] = "list"
    both_orders: bool = False
    repair: int = 1
    extract: Extract | None = None


def parse(options: Mapping[str, Any]) -> Judge:
    rule, repair = options.get("extract"), options.get("repair")
    return Judge(
        mode=options.get("mode") or "analyze",
        compare=options.get("compare") or "list",
        both_orders=bool(options.get("both_orders")),
        repair=1 if repair is None else repair,
        extract=parse_rule(rule) if rule else None,
    )


def response_format(options: Judge) -> Mapping[str, Any]:
    duty = COMPARING if options.compare == "pairs" else DUTIES[options.mode]
    return duty.form.response_format


def calls_model(options: Mapping[str, Any]) -> bool:
    return options.get("mode") != "vote"


def count_calls(node: Node, drafts: int) -> Calls:
    """A single draft needs no ranking and no choice, so those may make no call at all."""
    options: Judge = node.options
    orders = 2 if options.both_orders else 1
    if options.mode == "vote":
        return Calls(0, 0)
    if options.mode in ("rank", "select"):
        most = drafts * (drafts - 1) // 2 if options.compare == "pairs" else min(1, max(0, drafts - 1))
        return Calls(0, most * orders)
    return Calls(orders, orders)


def check(spec: NodeSpec, _gives: Mapping[str, Gives]) -> Sequence[tuple[str, str, str]]:
    options = spec.options
    mode = options.get("mode", "analyze")
    found = []
    if mode == "vote":
        found += [
            ("FG116", f"/{key}", f"a vote is counted in code, so `{key}` has no use")
            for key in ("compare", "both_orders", "repair")
            if key in options
        ]
    elif "model" not in options:
        found.append(("FG112", "", "a judge needs `model`, unless its mode is vote"))
    if mode in ("analyze", "score") and options.get("compare") == "pairs":
        found.append(("FG116", "/compare", "`compare: pairs` goes with the modes rank and select"))
    if mode == "analyze" and options.get("both_orders") is True:
        found.append(
            ("FG116", "/both_orders", "two analyses cannot be averaged: `both_orders` goes with score, rank, select")
        )
    return found


# --- what it does -----------------------------------------------------------------------------------------------------


def run(ctx: NodeContext) -> Awaitable[Value]:
    drafts = require_drafts(ctx, choose_drafts(ctx, ctx.inputs))
    if ctx.node.options.mode == "analyze":
        return ask_one(ctx, question_of(ctx, drafts, ANALYZING, show_conversation(ctx)))
    return judge(ctx, drafts)


def vote(ctx: NodeContext) -> Vote:
    """The draft that gave the most frequent answer, the earliest of them. Without any answer it abstains."""
    drafts = require_drafts(ctx, unique_drafts(ctx.inputs))
    rule = ctx.node.options.extract
    ballots = [
        (draft, draft.answer if draft.answer is not None or rule is None else extract(rule, draft.text))
        for draft in drafts
    ]
    tally = count_votes(ballots)
    if tally is None:
        raise NodeFailed("abstained", "no draft has an answer to count; see `extract`")
    return Vote(draft=tally.draft, agreement=tally.votes / len(drafts), margin=(tally.votes - tally.next) / len(drafts))


KIND = Kind(
    name="judge",
    summary="Compares drafts: analyses, scores, ranks or selects; votes are counted in code.",
    role="judge",
    takes=frozenset({"draft", "drafts", "vote"}),
    gives=lambda options: GIVES[options.get("mode") or "analyze"],
    schema={
        "mode": {"enum": list(GIVES), "description": "What the judge is to say; analyze if absent."},
        "compare": {
            "enum": ["list", "pairs"],
            "description": "All drafts in one call, or each pair in a call of its own (rank, select).",
        },
        "both_orders": {
            "type": "boolean",
            "description": "Judge twice, the second time in reverse order; a disagreement is a tie.",
        },
        "repair": {
            "type": "integer",
            "minimum": 0,
            "maximum": 3,
            "description": "How often the model may mend a reply that does not fit; 1 if absent.",
        },
        "extract": EXTRACT,
    },
    parse=parse,
    calls_model=calls_model,
    calls=count_calls,
    presents=True,
    needs_draft=True,
    response_format=response_format,
    defaults={"temperature": 0},
    ignores=frozenset({"temperature", "top_p", "usable", "extract", "stop_sequences", "tools"}),
    run=run,
    fold=vote,
    check=check,
)
