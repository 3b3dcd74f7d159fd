"""Values that a run makes many of."""

from __future__ import annotations

from dataclasses import replace

from fusion_graph.engine.request import RunRequest


def test_values_are_what_their_fields_are() -> None:
    request = RunRequest((), 1)
    assert request == RunRequest(messages=(), seed=1)
    assert len({request, RunRequest((), 1), RunRequest((), 2)}) == 2
    assert replace(request, seed=2) == RunRequest((), 2)


def test_values_hold_nothing_but_their_fields() -> None:
    assert not hasattr(RunRequest(()), "__dict__")
