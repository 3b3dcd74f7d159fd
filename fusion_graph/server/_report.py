"""The `fusion` block and the usage of an answer (wire contract 1.4, 1.9): folds over a finished run. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fusion_graph.engine.record import analysis
from fusion_graph.engine.run import labels
from fusion_graph.events import CallFinished
from fusion_graph.jsontext import plain, rounded
from fusion_graph.messages import NO_USAGE, total_cost
from fusion_graph.server._replay import REPLAYED
from fusion_graph.server._wires.fusion_out import Findings
from fusion_graph.server._wires.tools import FUSION

if TYPE_CHECKING:
    from fusion_graph.engine.report import RunResult
    from fusion_graph.engine.tally import NodeReport
    from fusion_graph.messages import Usage
    from fusion_graph.server._job import Job

STAGES = {"panel": 0.0, "judge": 0.0, "synth": 0.0}
"""Seconds of those that were not."""
MICRO = 1_000_000
NOBODY: frozenset[str] = frozenset()


def fusion_block(job: Job, result: RunResult) -> dict[str, Any]:
    """Everything a client may want to know of how its answer was made."""
    tally = result.tally
    replayed = _replayed(result) if job.recall.used else NOBODY
    panel: list[str] = []
    failed: list[dict[str, Any]] = []
    costs: list[dict[str, Any]] = []
    nodes: list[dict[str, Any]] = []
    timing_s, succeeded = dict(STAGES), 0
    for role, seconds in tally.timing_s.items():
        timing_s[role] = rounded(seconds, MICRO)
    for node in tally.nodes:
        nodes.append(_node(node, replayed))
        if node.attempts:
            costs.append(_cost(node))
        if node.role == "panel" and node.model:
            panel.append(node.model)
            succeeded += node.state in ("ok", "cached", "replayed")
            if node.state in ("failed", "cancelled"):
                failed.append({"model": node.model, "error": node.reason})
    block = {
        "config": job.served.id,
        "run_id": result.run_id,
        "mode": _mode(job, result),
        "panel_models": panel,
        "panel_succeeded": succeeded,
        "failed_models": failed,
        "cost_usd": tally.cost_usd,
        "cost_estimated": tally.usage.estimated,
        "cost_breakdown": costs,
        "timing_s": timing_s,
        "degraded": [plain(entry) for entry in result.degraded],
        "nodes": nodes,
        "replayed_cost_usd": _replayed_cost(job) if replayed else 0.0,
        "usage": {"total": usage(tally.usage), "final": usage(final_usage(result))},
        "simulated": tally.simulated,
        "graph_digest": result.bound.pipeline.digest,
        "ignored": _ignored(job, result),
    }
    return {**block, **_included(job, result)} if job.asked.include else block


def _included(job: Job, result: RunResult) -> dict[str, Any]:
    """What only those get who ask for it."""
    include, found = job.asked.include, dict[str, Any]()
    if "responses" in include:
        found["responses"] = [{"model": d.model, "node": d.node, "content": d.text} for d in result.drafts]
    if "analysis" in include:
        found["analysis"] = analysis(result.analysis) if result.analysis else None
    if found and _mode(job, result) == "full":
        found["result"] = _result(job, result)
    return found


def _mode(job: Job, result: RunResult) -> str:
    """Of a pipeline whose writer may decide, what it decided."""
    return "writer_only" if job.first is not None and result.bound is job.first.bound else job.mode


def _result(job: Job, result: RunResult) -> dict[str, Any]:
    """The fusion in OpenRouter's words, as far as it was asked for."""
    findings = Findings(job.roles, labels(job.bound, job.request))
    for event in result.events:
        _ = [*findings.tell(event)]
    found = findings.result()
    unasked = {"responses", "analysis"} - job.asked.include
    head = {"id": f"fus_{result.run_id}", "type": FUSION, "status": "error" if found["error"] else "ok"}
    return head | {name: value for name, value in found.items() if name not in unasked}


def _ignored(job: Job, result: RunResult) -> list[str]:
    """Also logprobs that were asked for and that the writer's backend does not give."""
    asked = job.asked.writer is not None and "logprobs" in job.asked.writer.extra
    missing = asked and not all(draft.logprobs for draft in result.choices)
    return [*job.asked.ignored, "logprobs"] if missing else list(job.asked.ignored)


def usage(used: Usage, cost_usd: float | None = None) -> dict[str, Any]:
    """Token counts in OpenAI's shape; with a cost where there is one."""
    prompt, completion, reasoning, cached, _reported, _estimated = used
    counted: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
    if cost_usd is not None:
        counted["cost"] = cost_usd
    return counted


def scoped_usage(result: RunResult, *, final: bool) -> Usage:
    """What all attempts used, or what the node that wrote the answer did."""
    return final_usage(result) if final else result.usage


def final_usage(result: RunResult) -> Usage:
    """What the node that wrote the answer used."""
    return result.tally.by_id[result.answer.node].usage if result.answer else NO_USAGE


def _cost(node: NodeReport) -> dict[str, Any]:
    return {
        "model": node.model,
        "role": node.role,
        "node": node.id,
        "cost_usd": node.cost_usd,
        "attempts": node.attempts,
        "estimated": node.usage.estimated,
    }


def _replayed(result: RunResult) -> frozenset[str]:
    """The nodes all of whose calls an earlier try had paid for."""
    notes: dict[str, bool] = {}
    for event in result.events:
        if isinstance(event, CallFinished):
            notes[event.node] = notes.get(event.node, True) and REPLAYED in event.completion.notes
    return frozenset(name for name, all_of_them in notes.items() if all_of_them)


def _replayed_cost(job: Job) -> float | None:
    """What they had cost; None when nobody knows."""
    prices = job.served.around.rates
    costs: list[float | None] = []
    for known in job.recall.used.values():
        rates = prices(known.model)
        reported = known.usage.cost_usd if known.usage else None
        known_cost = rates.cost(known.usage) if rates is not None and known.usage is not None else None
        costs.append(known_cost if reported is None else reported)
    return total_cost(costs)


def _node(node: NodeReport, replayed: frozenset[str]) -> dict[str, Any]:
    return {
        "name": node.id,
        "kind": node.kind,
        "role": node.role,
        "model": node.model or None,
        "state": "replayed" if node.id in replayed and node.state == "ok" else node.state,
        "reason": node.reason or None,
        "attempts": node.attempts,
        "seconds": None if node.seconds is None else rounded(node.seconds, MICRO),
        "tokens": {"prompt": node.usage.prompt_tokens, "completion": node.usage.completion_tokens},
    }
