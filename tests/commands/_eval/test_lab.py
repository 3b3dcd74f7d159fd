"""The lab: where a store is found, and what a budget needs to know."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.commands._eval.lab import Lab, Place
from fusion_graph.errors import UsageError
from fusion_graph.store.clockwork import Clockwork


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


def test_marked_lines_are_broken_before_they_are_marked(capsys: pytest.CaptureFixture[str]) -> None:
    lab().err("word " * 60)
    lab().out("one\ntwo")
    out, err = capsys.readouterr()
    assert len(err.splitlines()) > 2
    assert all(line.startswith("simulated | ") for line in (out + err).splitlines())
