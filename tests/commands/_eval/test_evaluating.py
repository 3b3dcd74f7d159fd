"""What an eval is made of: its arms and its warnings."""

from __future__ import annotations

import asyncio

from fusion_graph.commands._eval.evaluating import Given, _arms
from fusion_graph.commands._eval.lab import Lab, Place
from fusion_graph.store.clockwork import Clockwork


def arms(**more: object) -> list[str]:
    place = Place(dry_run=True)

    async def main() -> list[str]:
        given = Given(place=place, params={}, **more)  # type: ignore[arg-type]
        return [arm.name for arm in _arms(given, await Lab.open(place))]

    with asyncio.Runner(loop_factory=Clockwork) as runner:
        return runner.run(main())


def test_one_pipeline_is_one_arm() -> None:
    assert arms(pipelines=("budget",)) == ["budget"]


def test_ab_takes_the_pipeline_apart() -> None:
    assert arms(pipelines=("frontier-graph",), ab=True)[-1] == "frontier-graph"
    assert len(arms(pipelines=("frontier-graph",), ab=True)) > 3


def test_the_same_pipeline_twice_has_two_names() -> None:
    assert arms(pipelines=("budget", "budget")) == ["budget", "budget #2"]
