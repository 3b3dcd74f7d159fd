"""A process is killed, another goes on with what the journal has: what was not in flight is not paid twice. `make kill`
does the same with 200 prompts, 50 at once, 20 times."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from benchmarks.kill import play


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
async def test_killed_runs_repay_only_what_was_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[1])  # the program is started by its module
    found = await play(prompts=15, at_once=8, dice=random.Random(1), first_token_s=0.02)
    assert found.wrong == ()
    assert found.repaid <= found.in_flight
