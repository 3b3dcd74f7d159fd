"""What a sound pipeline will not do that its author may expect: stream, answer a tool's result with the writer alone,
or make all its calls."""

from __future__ import annotations

from collections.abc import Mapping

from fusion_graph.contracts import Kind
from fusion_graph.graph.binding import bind
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.diagnostics import Findings
from fusion_graph.pipeline import Pipeline


def check_streaming(pipeline: Pipeline, kinds: Mapping[str, Kind], findings: Findings) -> None:
    """Warn about writers that are held until their text is accepted, about outputs without any writer, and about a cap
    under the calls that a run may make when nothing is tried twice."""
    bound = bind(pipeline, kinds)
    _check_calls(bound, findings)
    for index in sorted(bound.writers):
        node = bound.nodes[index]
        why = bound.held[index]
        if why:
            message = f"the answer cannot stream while {node.id!r} writes it: its text is held for {why}"
            findings.warn("FG406", ("nodes", node.id.partition("/")[0]), message, key=True)
    if pipeline.on_tool_turn == "writer_only" and bound.tool_turn is None:
        message = f"{pipeline.output!r} hands drafts on word for word: a turn after a tool result runs the whole graph"
        findings.warn("FG407", ("output",), message, "set `on_tool_turn: full` if that is meant")


def _check_calls(bound: Bound, findings: Findings) -> None:
    if bound.limits.max_calls is None:
        return
    from fusion_graph.graph.forecast.estimate import estimate

    most = estimate(bound, lambda _model: None).calls.most
    if most > bound.limits.max_calls:
        message = (
            f"{most} calls may be made, retries apart, but `max_calls` stops the run after {bound.limits.max_calls}"
        )
        findings.warn("FG505", ("limits", "max_calls"), message, "raise it, or expect a degraded answer")
