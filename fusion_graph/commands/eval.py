"""`fusiongraph eval`: does a shape pay, for these tasks?"""

from __future__ import annotations

from typing import Any

import click

from fusion_graph.commands import _options
from fusion_graph.commands._eval import lab_options


@click.command("eval", short_help="does a shape pay? score, cost and time of pipelines over tasks")
@click.argument("pipelines", nargs=-1, metavar="[PIPELINE]...")
@click.option("--config", metavar="FILE", help="Evaluate this pipeline.  [default: budget]")
@click.option("--ab", is_flag=True, help="Each panelist alone, the panel, and the panel with refine.")
@click.option("--arms", is_flag=True, help="Each PIPELINE against the others; they share calls where they share nodes.")
@click.option("--compute-matched", is_flag=True, help="Add the best model, sampled until it costs as much.")
@click.option("--runs", type=_options.Whole(1, 100), default=1, show_default=True, help="Answer each task so often.")
@click.option("--provable", is_flag=True, help="What votes of simulated models with known knowledge come to, and must.")
@click.option("--tasks", default="sample", show_default=True, metavar="FILE", help="Tasks: a file, or sample or sums.")
@lab_options.shared
@click.option("--grade-drafts", is_flag=True, help="Grade every draft of a panel too. Costs judge calls.")
@_options.params
@_options.as_json
@click.option("--html", metavar="FILE", help="Write the report as one page, plots included.")
@click.option("--plots", metavar="FOLDER", help="Write the plots as SVG and PNG files.")
@click.pass_context
def COMMAND(context: click.Context, /, **given: Any) -> int:
    """Run pipelines over tasks, grade the answers, and print score, cost and time side by side.

    Each answer, draft and verdict is kept in the journal: a killed eval goes on with --resume and pays no call twice;
    what is given beside it takes the place of what was given then, so another judge finds the answers there.
    """
    from fusion_graph.commands._eval import again, evaluating
    from fusion_graph.commands._eval.lab import Place
    from fusion_graph.commands._eval.report import Output

    if given.pop("provable"):
        from fusion_graph.commands._eval import theory

        return theory.perform(given["limit"])
    if given["resume"] is not None:
        given = again.as_before(context, "eval", given)
    asked = again.asked(given)
    names = tuple(name for name in (given.pop("config"), *given.pop("pipelines")) if name)
    _check(names, arms=given.pop("arms"), ab=given["ab"])
    names = names or ("budget",)
    place = Place(title=f"{', '.join(names)} on {given['tasks']}", asked=asked, **lab_options.place(given))
    output = Output(given.pop("as_json"), given.pop("html"), given.pop("plots"))
    return evaluating.perform(evaluating.Given(place=place, pipelines=names, output=output, **given))


def _check(names: tuple[str, ...], *, arms: bool, ab: bool) -> None:
    if arms and len(names) < 2:
        raise click.UsageError("--arms compares pipelines: name two or more")
    if not arms and len(names) > 1:
        raise click.UsageError("several pipelines are compared with --arms")
    if arms and ab:
        raise click.UsageError("--ab and --arms do not go together")
