"""Options of `eval` and `tune` look and behave the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.commands.conftest import Done


@pytest.mark.parametrize("command", ["eval", "tune"])
def test_every_option_is_explained_by_both(cli: Callable[..., Done], command: str) -> None:
    told = cli(command, "--help").out
    for name in ("limit", "protocol", "judge", "passes", "force-judge", "budget-usd", "dry-run", "resume", "at-once"):
        assert f"  --{name} " in told
    assert "[paper|openrouter|exact]" in told
