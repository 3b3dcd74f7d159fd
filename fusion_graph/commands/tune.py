"""`fusiongraph tune`: which shape is worth its money, for these tasks?"""

from __future__ import annotations

from typing import Any

import click

from fusion_graph.commands._eval import lab_options

EXAMPLE = """\b
A space:
  shapes:
    - {pipeline: budget, params: {refine: [false, true], samples: [1, 3]}}
    - {pipeline: self-consistency, params: {model: [a/x, b/y]}}
"""


@click.command(
    "tune", epilog=EXAMPLE, short_help="search shapes under a budget, print those that pay as pipeline files"
)
@click.argument("tasks")
@click.option("--space", required=True, metavar="FILE", help="The shapes: pipelines, and values of their parameters.")
@click.option("--out", default="tuned", show_default=True, metavar="FOLDER", help="Where the pipeline files go.")
@lab_options.shared
def COMMAND(**given: Any) -> int:
    """Try the shapes of a space on TASKS, a file, or sample or sums.

    All of them begin on a few tasks; the better ones go on to more, what is recorded before what must be paid. Those
    that no other beats in score at the same or a lower cost are written as pipeline files and printed.
    """
    from fusion_graph.commands._eval import tuning
    from fusion_graph.commands._eval.lab import Place

    title = f"{given['space']} on {given['tasks']}"
    place = Place(command="tune", title=title, **lab_options.place(given))
    return tuning.perform(tuning.Given(place=place, **given))
