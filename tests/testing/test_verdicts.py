"""Expectations against a run that is known."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.graph.pipeline_tests import Expected, Wanted
from fusion_graph.testing.verdicts import differences
from tests.engine.stage import Stage

NODES = """
panel: {kind: layer, models: [a/x, b/y]}
answer: {kind: synth, model: w/w, inputs: [panel]}
"""

CASES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"state": "ok", "calls": 3, "attempts": 3, "degraded": (), "nodes": {"panel/x": "ok"}}, []),
    ({"answer": Wanted(equals="The answer is 42.", matches=r"\d+", contains="42")}, []),
    ({"error": "deadline"}, ["the run's error is none, not deadline"]),
    ({"answer": Wanted(matches="^no")}, ["the answer 'The answer is 42.' does not match '^no'"]),
    ({"answer": Wanted(contains="43")}, ["the answer 'The answer is 42.' does not contain '43'"]),
    ({"nodes": {"panel/x": "failed"}}, ["panel/x is ok, not failed"]),
    ({"degraded": (("panel/x", "late"),)}, ["not degraded: panel/x late"]),
    ({"calls": 4, "attempts": 2}, ["3 calls, not 4", "3 attempts, not 2"]),
]


@pytest.mark.parametrize(("expect", "told"), CASES)
async def test_only_what_is_named_is_looked_at(expect: dict[str, Any], told: list[str]) -> None:
    result = await Stage({"w/w": "The answer is 42."}).run(NODES)
    assert list(differences(Expected(**expect), result)) == told


async def test_long_texts_are_cut() -> None:
    result = await Stage({"w/w": "x" * 9999}).run(NODES)
    (told,) = differences(Expected(answer=Wanted(equals="y")), result)
    assert len(told) < 200
