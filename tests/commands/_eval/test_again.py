"""What was said before is said again where a command line is silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fusion_graph.commands._eval import again
from fusion_graph.commands.eval import COMMAND
from fusion_graph.errors import UsageError
from tests.commands.conftest import Done

Cli = Callable[..., Done]


def said(*line: str) -> dict[str, Any]:
    """The whole of a command line that goes on with the last eval."""
    arguments = [*line, "--resume", "last"]
    with COMMAND.make_context("eval", list(arguments)) as context:
        return again.as_before(context, "eval", context.params)


@pytest.fixture(autouse=True)
def begun(cli: Cli) -> None:
    line = ("eval", "--arms", "self-moa", "budget", "--tasks", "sums", "--limit", 1, "--dry-run", "--journal")
    assert cli(*line).code == 0


def test_everything_is_said_again() -> None:
    found = said()
    assert [found[name] for name in ("arms", "pipelines", "config", "tasks", "limit", "dry_run")] == [
        True, ["self-moa", "budget"], None, "sums", 1, True
    ]  # fmt: skip


def test_what_is_given_takes_its_place() -> None:
    found = said("--judge", "a/x", "--limit", "2", "frontier", "budget")
    assert (found["judge"], found["limit"], found["pipelines"]) == ("a/x", 2, ("frontier", "budget"))
    named = said("--config", "x.yaml")
    assert (named["config"], named["pipelines"]) == ("x.yaml", ())


def test_another_name_is_refused() -> None:
    with COMMAND.make_context("eval", ["--resume", "nope"]) as context, pytest.raises(UsageError, match="no eval"):
        again.as_before(context, "eval", context.params)
