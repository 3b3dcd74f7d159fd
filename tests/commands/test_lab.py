"""The lab: where a store is found, and what a budget needs to know."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.commands._lab import Lab, Place
from fusion_graph.errors import UsageError
from fusion_graph.evals.arms import Arm
from fusion_graph.store.clockwork import Clockwork
from fusion_graph.wiring import pipelines


def lab(**place: object) -> Lab:
    with asyncio.Runner(loop_factory=Clockwork) as runner:
        return runner.run(Lab.open(Place(dry_run=True, **place)))  # type: ignore[arg-type]


def test_a_dry_run_keeps_nothing_unless_told_to() -> None:
    assert not lab().series.kept
    first = lab(journal=True)
    first.series.begin()
    first.close()
    again = lab(resume=first.series.id[:5])
    assert (again.series.kept, again.series.fence) == (True, first.series.fence)
    assert again.series.fence != lab().series.fence
    again.close()


def test_a_dry_run_and_a_live_one_do_not_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated answers would be taken for real ones."""
    monkeypatch.setenv("FUSION_BACKEND", "sim")
    first = lab(journal=True)
    first.series.begin()
    first.close()
    with pytest.raises(UsageError, match="was a dry run"):
        asyncio.run(Lab.open(Place(resume="last")))


def test_a_budget_wants_every_price() -> None:
    pipeline = pipelines.load(
        {"version": 1, "name": "p", "nodes": {"a": {"kind": "proposer", "model": "my/own"}}, "output": "a"}
    )
    arm = Arm(name="p", bound=pipelines.bind(pipeline))
    lab().check_prices([arm], "")
    with pytest.raises(UsageError, match="my/own"):
        lab(budget_usd=1.0).check_prices([arm], "")
    with pytest.raises(UsageError, match="their/judge"):
        lab(budget_usd=1.0).check_prices([], "their/judge")


def test_marked_lines_are_broken_before_they_are_marked(capsys: pytest.CaptureFixture[str]) -> None:
    lab().err("word " * 60)
    lab().out("one\ntwo")
    out, err = capsys.readouterr()
    assert len(err.splitlines()) > 2
    assert all(line.startswith("simulated | ") for line in (out + err).splitlines())


def armed(tool: str) -> Arm:
    node = {"kind": "proposer", "model": "a/x", "tools": [tool]}
    pipeline = pipelines.load({"version": 1, "name": "p", "nodes": {"a": node}, "output": "a"})
    return Arm(name="p", bound=pipelines.bind(pipeline))


def test_a_public_benchmark_is_not_to_be_found() -> None:
    made = lab()
    assert made._tools([armed("web_fetch")]).site.web.blocked == ()
    made.guarded = True
    assert "huggingface.co" in made._tools([armed("web_fetch")]).site.web.blocked


def test_an_eval_opens_nothing_of_this_machine() -> None:
    with pytest.raises(UsageError, match="tools of the web only"):
        lab().begin([armed("bash")], None)
