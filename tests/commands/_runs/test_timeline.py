"""Bars over time."""

from __future__ import annotations

from typing import Any

from fusion_graph.commands._runs.timeline import timeline
from fusion_graph.store.history import AttemptLine


def attempt(node: str, began: float, first: float | None, ended: float | None, **other: Any) -> AttemptLine:
    told: dict[str, Any] = {
        "number": 1, "call": 0, "attempt": 1, "model": "m/a", "digest": "", "state": "ok", "reason": "", "message": "",
        "prompt_tokens": 10, "completion_tokens": 5, "cost_usd": 0.0, "exact": True, "reply": None,
    }  # fmt: skip
    return AttemptLine(node=node, began=began, first=first, ended=ended, **{**told, **other})


def bars(*attempts: AttemptLine, total: float = 10.0, width: int = 60) -> list[str]:
    return timeline(attempts, total, width)


def test_bar_tells_when_it_waited_and_when_it_wrote() -> None:
    (line,) = bars(attempt("a", 5.0, 7.5, 10.0))
    before, wait, write = line.partition("-")[0], line.count("-"), line.count("=")
    assert len(before) > wait
    assert abs(wait - write) <= 1
    assert line.endswith("5.0 s, 15 tokens, $0")


def test_failed_and_unknown_ones_look_different() -> None:
    lines = bars(
        attempt("a", 0.0, None, 4.0, state="failed", reason="upstream_5xx"),
        attempt("a", 5.0, 6.0, 9.0, attempt=2),
        attempt("b", 2.0, None, None, state="started", call=1),
    )
    assert "xxx" in lines[0]
    assert lines[0].endswith("upstream_5xx")
    assert lines[1].startswith("a (retry 1)")
    assert lines[2].startswith("b #2")
    assert lines[2].rstrip().endswith(">  ?")


def test_no_screen_is_too_narrow_and_no_run_too_short() -> None:
    assert bars() == []
    assert all(bars(attempt("a", 0.0, 0.0, 0.0), total=0.0, width=1))
