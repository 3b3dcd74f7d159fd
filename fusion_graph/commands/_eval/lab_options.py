"""Options that `eval` and `tune` share: `shared` are all of them, and `place` reads those that say where it is made."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import click

from fusion_graph.commands import _options
from fusion_graph.commands._options import F
from fusion_graph.evals.protocols import PROTOCOLS

limit = click.option("--limit", type=_options.Whole(min=1), help="Only the first N tasks.")
budget = click.option("--budget-usd", type=_options.Number(min=0), help="Spend at most X dollars in all.")
dry_run = click.option("--dry-run", is_flag=True, help="Simulated models and judge, in virtual time. No key, no cost.")
resume = click.option("--resume", metavar="ID", help="Go on with what the journal has of this one, or of the `last`.")
journal = click.option(
    "--journal/--no-journal",
    default=None,
    help="Write every call down, so that it can go on later.  [default: yes, but for a dry run]",
)
protocol = click.option(
    "--protocol",
    type=click.Choice(list(PROTOCOLS)),
    help="How answers are graded.  [default: exact for exact answers, else openrouter]",
)
judge = click.option("--judge", metavar="MODEL", help="Who grades.  [default: the protocol's own]")
passes = click.option("--passes", type=_options.Whole(1, 9), help="Grade each answer so often.")
force_judge = click.option(
    "--force-judge", is_flag=True, help="Go on with a judge that fails its self-test; the report says so."
)
at_once = click.option(
    "--at-once", type=_options.Whole(1, 256), default=10, show_default=True, help="Calls of the judge at once."
)

SHARED = (limit, protocol, judge, passes, force_judge, budget, dry_run, resume, journal, at_once, _options.prices)


def shared(command: F) -> F:
    """All of these, in this order in the help."""
    for option in reversed(SHARED):
        command = option(command)
    return command


PLACE = ("dry_run", "resume", "journal", "budget_usd", "prices", "at_once")


def place(given: MutableMapping[str, Any]) -> dict[str, Any]:
    """What of these options says where and how it is made: taken out of them."""
    return {name: given.pop(name) for name in PLACE}
