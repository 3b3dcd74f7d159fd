"""All checks of a resolved graph, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.graph.diagnostics import Findings
from fusion_graph.graph.params import Params
from fusion_graph.graph.references import Graph


def check(graph: Graph, params: Params, limits: Mapping[str, Any], findings: Findings) -> None:
    pass
