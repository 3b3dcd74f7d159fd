"""Numbers that must fit each other: quorums and members, deadline, reserve and timeouts, spreads and temperatures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.graph.diagnostics import Findings
from fusion_graph.graph.reading.nodes import Sketch
from fusion_graph.graph.reading.references import Graph
from fusion_graph.graph.spread import jitter_of
from fusion_graph.graph.yaml.places import Path


def check_bounds(graph: Graph, limits: Mapping[str, Any], timeouts: Mapping[str, Any], findings: Findings) -> None:
    """Report limits that contradict each other, at the default parameters. `limits` has their values filled in,
    `timeouts` is what the file's `defaults` say."""
    deadline, reserve = limits.get("deadline_s"), limits.get("reserve_s")
    if deadline is not None and reserve is not None and reserve >= deadline:
        message = f"a reserve of {reserve} s leaves nothing of a deadline of {deadline} s"
        findings.error("FG502", ("limits", "reserve_s"), message, "keep it well under the deadline")
    elif deadline is None and reserve:
        findings.warn("FG118", ("limits", "reserve_s"), "`reserve_s` has no effect without `deadline_s`", key=True)
    if deadline is not None:
        _check_timeouts(timeouts, ("defaults", "timeout"), deadline, findings)
    for sketch in graph.sketches.values():
        if sketch.kind is None or sketch.opaque:
            continue
        if deadline is not None:
            _check_timeouts(sketch.written.get("timeout"), (*sketch.path, "timeout"), deadline, findings)
        if sketch.kind.structural:
            _check_quorum(sketch, graph, findings)
            _check_spread(sketch, graph, findings)


def _check_timeouts(timeout: Any, path: Path, deadline: float, findings: Findings) -> None:
    for key, seconds in timeout.items() if isinstance(timeout, Mapping) else ():
        if isinstance(seconds, int | float) and seconds > deadline:
            message = f"`{key}` of {seconds} s can never pass: the run ends after {deadline} s"
            findings.error("FG503", (*path, key), message, "lower it, or raise `limits.deadline_s`")


def _check_quorum(sketch: Sketch, graph: Graph, findings: Findings) -> None:
    quorum = graph.filled[sketch.id].get("quorum")
    members = len(graph.plain[sketch.id].inputs)
    if isinstance(quorum, int) and quorum > members:
        message = f"a quorum of {quorum} can never be met by {members} member{'s' * (members != 1)}"
        findings.error("FG501", (*sketch.path, "quorum"), message)
    elif quorum is None and sketch.written.get("grace_s"):
        findings.warn("FG118", (*sketch.path, "grace_s"), "`grace_s` has no effect without `quorum`", key=True)
    if quorum is not None and sketch.written.get("stop"):
        message = "`stop` has no effect beside `quorum`, which must be met first and then ends the drawing"
        findings.warn("FG118", (*sketch.path, "stop"), message, key=True)


def _check_spread(sketch: Sketch, graph: Graph, findings: Findings) -> None:
    spread = graph.filled[sketch.id].get("spread")
    if jitter_of(spread) and not isinstance(sketch.options.get("temperature"), int | float):
        hint = "give the group, or `defaults`, a number for `temperature`"
        findings.error("FG116", (*sketch.path, "spread"), "a spread needs a temperature to lie around", hint)
