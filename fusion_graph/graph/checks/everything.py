"""All checks of a resolved graph, one after the other. Each reports what it finds and none depends on another's
silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.graph.checks.bounds import check_bounds
from fusion_graph.graph.checks.dag import check_dag
from fusion_graph.graph.checks.inputs import check_inputs
from fusion_graph.graph.checks.prompts import check_prompts
from fusion_graph.graph.checks.texts import check_texts
from fusion_graph.graph.checks.tools import check_tools
from fusion_graph.graph.diagnostics import Findings
from fusion_graph.graph.reading.params import Params, fill
from fusion_graph.graph.reading.references import Graph


def check(
    graph: Graph, params: Params, limits: Mapping[str, Any], defaults: Mapping[str, Any], findings: Findings
) -> None:
    """Everything that can be said before a pipeline is bound."""
    check_dag(graph, findings)
    check_inputs(graph, findings)
    check_bounds(graph, fill(limits, params.defaults), defaults.get("timeout", {}), findings)
    check_prompts(graph.sketches, defaults, params, findings)
    check_tools(graph.sketches, findings)
    check_texts(graph.sketches, defaults, params.defaults, findings)
