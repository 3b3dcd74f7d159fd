"""Options of `eval` and `tune` look and behave the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.commands.conftest import Done


@pytest.mark.parametrize(
    "name", ["--tasks", "--limit", "--budget-usd", "--dry-run", "--resume", "--judge", "--at-once"]
)
def test_option_is_explained(cli: Callable[..., Done], name: str) -> None:
    assert name in cli("eval", "--help").out
