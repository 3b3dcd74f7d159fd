"""A cassette is written while the run goes on, holds nothing secret, and never harms the run."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest

from fusion_graph.errors import Transient
from fusion_graph.events import RunStarted
from fusion_graph.messages import Call, Message, Sampling
from fusion_graph.providers.sim import SimClient
from fusion_graph.store.cassette import read_cassette
from fusion_graph.store.door import Attempt
from fusion_graph.store.taping import Taper
from tests.store.taped import EVERYTHING, asked, record, scripts

CALL = Call("a/x", (Message("user", "Why?"),), Sampling())


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


async def test_every_end_of_an_attempt_is_a_line() -> None:
    file = io.StringIO()
    taper = Taper(file)
    sim = SimClient({"a/x": ["Yes.", Transient("upstream_5xx", status=500), ("Well ", asyncio.Event())]})
    taper.begin({"fence": "fence"})
    taper.listen(RunStarted(0.0, "run", "p", (), 0))
    attempt = Attempt("up", CALL, sim)
    await taper(attempt, lambda _delta: None)
    with pytest.raises(Transient):
        await taper(attempt, lambda _delta: None)
    cut = asyncio.create_task(taper(attempt, lambda _delta: None))
    await sim.called("a/x", 3)
    cut.cancel()
    await asyncio.wait([cut])
    found = lines(file.getvalue())
    kinds = ["head", "call", "start", "piece", "end", "start", "end", "start", "piece", "end"]
    assert [line["is"] for line in found] == kinds
    ends = [line for line in found if line["is"] == "end"]
    assert [bool(end["reply"]) for end in ends] == [True, False, False]
    assert ends[1]["failure"]["status"] == 500
    assert ends[2]["failure"] is None


def test_it_holds_no_key_and_no_address(tmp_path: Path) -> None:
    file = tmp_path / "run.tape"
    record(file, asked(EVERYTHING), scripts())
    assert "hush" not in file.read_text()
    assert "secret.example" not in file.read_text()


def test_a_run_that_was_cut_leaves_a_readable_file(tmp_path: Path) -> None:
    """Killed in the middle of a line, too."""
    file = tmp_path / "run.tape"
    record(file, asked(EVERYTHING), scripts())
    whole = file.read_bytes()
    for share in (0.5, 0.7, 0.9):
        file.write_bytes(whole[: int(len(whole) * share)])
        assert read_cassette(str(file)).result is None


class Full(io.StringIO):
    """A disk with room for a few lines."""

    def write(self, text: str) -> int:
        if self.tell() > 300:
            raise OSError(28, "No space left on device")
        return super().write(text)


async def test_a_full_disk_leaves_the_run_alone() -> None:
    taper = Taper(Full())
    taper.begin({"fence": "fence"})
    for _ in range(3):
        completion = await taper(Attempt("up", CALL, SimClient({"a/x": "Yes."})), lambda _delta: None)
        assert completion.text == "Yes."
    assert taper.fault is not None
    assert taper.fault.strerror == "No space left on device"
