"""Clients and upstreams of every bad kind, for a moment: tasks and files of the server's process come back to where
they were. `make soak` does the same for ten minutes, and looks at its memory."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.soak import Soak, Standing, soak


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files the Linux way")
@pytest.mark.timeout(120)
async def test_server_comes_back_to_where_it_was() -> None:
    # security 20
    found = await soak(3, random.Random(7))
    assert found._replace(after=found.after._replace(mb=0.0)).wrong == []


def test_what_has_grown_is_told() -> None:
    stood = Standing(tasks=4, files=15, mb=60.0)
    found = Soak(stood, stood, {"200": 1}, 0)
    assert found.wrong == []
    grown = Soak(stood, Standing(tasks=5, files=16, mb=90.0), {}, 2)
    assert len(grown.wrong) == 5
