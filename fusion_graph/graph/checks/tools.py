"""Tools where no model can use them."""

from __future__ import annotations

from collections.abc import Mapping

from fusion_graph.graph.diagnostics import Findings
from fusion_graph.graph.reading.nodes import Sketch


def check_tools(sketches: Mapping[str, Sketch], findings: Findings) -> None:
    """Warn about `tools` on nodes whose kind offers none to its model: whoever judges or writes from drafts works on
    what is there."""
    for sketch in sketches.values():
        kind = sketch.kind
        if kind is not None and not kind.uses_tools and sketch.written.get("tools"):
            message = f"`tools` has no effect on a {kind.name}: only proposers use tools"
            findings.warn("FG118", (*sketch.path, "tools"), message, key=True)
