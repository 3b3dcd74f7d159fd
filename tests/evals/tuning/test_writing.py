"""A tuned shape as a file: it loads, and asks what the candidate asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusion_graph.evals.tuning.space import Candidate
from fusion_graph.evals.tuning.writing import pipeline_text
from fusion_graph.wiring import pipelines


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("budget", {"refine": True, "panel": ["a/x", "b/y"], "samples": 2}),
        ("self-moa", {"samples": 3, "model": "a/x"}),
        ("frontier-graph", {}),
    ],
)
def test_the_file_is_the_candidate(tmp_path: Path, name: str, params: dict[str, object]) -> None:
    candidate = Candidate(source=name, pipeline=pipelines.load(name), params=params)
    file = tmp_path / "t.yaml"
    file.write_text(pipeline_text(pipelines.locate(name).read_bytes(), candidate, "tuned-1", "It: won."))
    loaded = pipelines.load(file)
    assert (loaded.name, loaded.description) == ("tuned-1", "It: won.")
    mine, theirs = pipelines.bind(loaded), pipelines.bind(candidate.pipeline, params)
    assert mine.nodes == theirs.nodes
