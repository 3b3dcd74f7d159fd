"""What earlier runs took: which of them count, and how they are told."""

from __future__ import annotations

from typing import Any

from fusion_graph.commands._runs.earlier import Span, lines_of, sum_up
from fusion_graph.store.listing import RunLine


def line(**told: Any) -> RunLine:
    plain: dict[str, Any] = {
        "id": "1", "pipeline": "p", "command": "run", "state": "ok", "reason": "", "began": 0.0, "seconds": 2.0,
        "tries": 1, "attempts": 4, "tokens": 1000, "cost_usd": 0.01,
    }  # fmt: skip
    return RunLine(**{**plain, **told})


def test_only_answers_of_one_try_count() -> None:
    found = sum_up([line(), line(state="failed"), line(tries=2), line(state="interrupted"), line(state="degraded")])
    assert (found.runs, found.of) == (2, 5)


def test_least_median_and_most() -> None:
    found = sum_up([line(seconds=1.0), line(seconds=2.0, attempts=9), line(seconds=9.0, cost_usd=None)])
    assert found.spans["seconds"] == Span(1.0, 2.0, 9.0)
    assert found.spans["calls"] == Span(4, 4, 9)
    assert found.spans["cost_usd"] == Span(0.01, 0.01, 0.01)
    assert found.to_json()["seconds"] == {"least": 1.0, "median": 2.0, "most": 9.0}


def test_nothing_known_is_said() -> None:
    assert "come to an answer" in lines_of(sum_up([line(state="failed")]))[0]


def test_an_unknown_price_is_no_row() -> None:
    told = "\n".join(lines_of(sum_up([line(cost_usd=None)])))
    assert "cost" not in told
    assert "seconds" in told
