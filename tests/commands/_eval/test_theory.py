"""`eval --provable`: predictions beside what was measured."""

from __future__ import annotations

from collections.abc import Callable

from tests.commands.conftest import Done


def test_every_prediction_holds(cli: Callable[..., Done]) -> None:
    done = cli("eval", "--provable", "--limit", 200)
    assert done.code == 0
    lines = done.out.splitlines()
    assert all(line.startswith("simulated | ") for line in lines)
    assert len([line for line in lines if "  yes  " in line]) == 7
    assert "a colluding majority defeats it" in done.out
