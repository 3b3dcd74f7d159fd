"""A run as plain JSON values: one document of its result, and its events as lines of a trace. Written after the run;
keys and addresses are in neither."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from fusion_graph.engine.report import RunResult, Spending
from fusion_graph.events import Event, RunStarted
from fusion_graph.jsontext import plain
from fusion_graph.messages import total_cost
from fusion_graph.outputs import Analysis, Draft
from fusion_graph.pipeline import Node

FORMAT = 1  # of the document and of the trace; raised when a reader of the old one would be misled


def document(result: RunResult) -> dict[str, Any]:
    """Everything a caller may want of a run. `answer` is a text, null when `error` says why there is none; money is in
    US dollars, null when a price is unknown, never 0 for that."""
    answer, error = result.answer, result.error
    return {
        "format": FORMAT,
        "run_id": result.run_id,
        "pipeline": result.pipeline,
        "state": result.state,
        "simulated": result.simulated,
        "answer": answer.text if answer else None,
        "written_by": _writer(answer) if answer else None,
        "error": {"reason": error.reason, "message": error.message} if error else None,
        "analysis": analysis(result.analysis) if result.analysis else None,
        "drafts": [{**plain(draft), "truncated": draft.truncated} for draft in result.drafts],
        "nodes": [plain(node) for node in result.nodes],
        "usage": {**plain(result.usage), "total_tokens": result.usage.total_tokens},
        "cost_usd": result.cost_usd,
        "useful": _spending(result.useful),
        "wasted": _spending(result.wasted),
        "cost_breakdown": cost_breakdown(result),
        "timing_s": {role: round(seconds, 6) for role, seconds in result.timing_s.items()},
        "degraded": [plain(entry) for entry in result.degraded],
    }


def analysis(found: Analysis) -> dict[str, Any]:
    """The analysis with names in place of pairs, as `schemas/analysis.schema.json` has it."""
    return {
        "consensus": list(found.consensus),
        "contradictions": [
            {"topic": c.topic, "stances": [{"model": model, "stance": stance} for model, stance in c.stances]}
            for c in found.contradictions
        ],
        "partial_coverage": [{"models": list(models), "point": point} for models, point in found.partial_coverage],
        "unique_insights": [{"model": model, "insight": insight} for model, insight in found.unique_insights],
        "blind_spots": list(found.blind_spots),
    }


def cost_breakdown(result: RunResult) -> list[dict[str, Any]]:
    """Cost per model and role, in file order; nodes that called nobody stay out."""
    costs: dict[tuple[str, str], list[float | None]] = {}
    for node in result.nodes:
        if node.attempts:
            costs.setdefault((node.model, node.role), []).append(node.cost_usd)
    return [{"model": model, "role": role, "cost_usd": total_cost(parts)} for (model, role), parts in costs.items()]


def trace_lines(events: Iterable[Event]) -> Iterator[str]:
    """A line of JSON per event, each with its name under `event`; the first one says which format this is."""
    for event in events:
        body: dict[str, Any] = {"event": type(event).__name__}
        if isinstance(event, RunStarted):
            body |= {
                "format": FORMAT,
                **plain(event._replace(nodes=())),
                "nodes": [_node(node) for node in event.nodes],
            }
        else:
            body |= plain(event)
        yield json.dumps(body, allow_nan=False)


def _spending(spent: Spending) -> dict[str, Any]:
    return {
        "attempts": spent.attempts,
        "total_tokens": spent.usage.total_tokens,
        "estimated": spent.usage.estimated,
        "cost_usd": spent.cost_usd,
    }


def _writer(answer: Draft) -> dict[str, Any]:
    return {"node": answer.node, "model": answer.model, "finish_reason": answer.finish_reason}


def _node(node: Node) -> dict[str, Any]:
    """What a reader of a trace needs of a node: who it is and what it reads."""
    inputs = [f"{edge.node}?" if edge.optional else str(edge.node) for edge in node.inputs]
    return {"id": node.id, "kind": node.kind, "model": str(node.model.model) if node.model else "", "inputs": inputs}
