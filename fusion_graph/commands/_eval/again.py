"""What an eval was asked for when it was begun: `--resume` alone asks for the same again, and whatever is given beside
it takes the place of what was said then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from click import Context
from click.core import ParameterSource

from fusion_graph import settings
from fusion_graph.store.database import reading
from fusion_graph.store.journal import FILE
from fusion_graph.store.series import read_lines
from fusion_graph.store.tables import JOURNAL

ASKED = "asked"
WHAT = ("pipelines", "config")  # one wish in two words
SAID = (
    "arms", "ab", "compute_matched", "runs", "tasks", "limit", "protocol", "judge", "passes", "grade_drafts",
    "force_judge", "dry_run", "params", "prices", "at_once",
)  # fmt: skip


def asked(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be remembered of a command line."""
    return {name: given[name] for name in (*WHAT, *SAID)}


def as_before(context: Context, command: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The command line with what was said before where it says nothing. Raises UsageError."""
    with reading(settings.load().home / FILE, JOURNAL) as connection:
        lines = read_lines(connection, command, given["resume"])
    before: dict[str, Any] = next((line[ASKED] for line in reversed(lines) if ASKED in line), {})
    silent = [name for name in SAID if not _is_said(context, name)]
    if not any(_is_said(context, name) for name in WHAT):
        silent += WHAT
    return {**given, **{name: before[name] for name in silent if name in before}}


def _is_said(context: Context, name: str) -> bool:
    told = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    return told and context.params[name] not in ((), {})
