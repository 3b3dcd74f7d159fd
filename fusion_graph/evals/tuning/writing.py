"""A tuned shape as a pipeline file of its own: the file it came from, with its values as defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.evals.tuning.space import Candidate
from fusion_graph.graph.documents import parse
from fusion_graph.graph.yaml_text import to_yaml


def pipeline_text(source: bytes, candidate: Candidate, name: str, told: str) -> str:
    """YAML of the shape under a name of its own. `told` becomes its description."""
    data: dict[str, Any] = dict(parse(source)[0].data)
    if candidate.pipeline.panel_form:
        data |= candidate.params
    elif candidate.params:
        declared: Mapping[str, Any] = data["params"]
        data["params"] = {
            key: {**spec, "default": candidate.params[key]} if key in candidate.params else spec
            for key, spec in declared.items()
        }
    return to_yaml({**data, "name": name, "description": told})
