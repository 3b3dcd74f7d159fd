"""`fusiongraph runs`: what the journal knows of earlier runs."""

from __future__ import annotations

import click

from fusion_graph.commands import _options

RUN = click.argument("run", metavar="RUN")


@click.group("runs", short_help="earlier runs: list, show, export, resume, diff, prune", invoke_without_command=True)
@click.pass_context
def COMMAND(context: click.Context) -> int:
    """Look at earlier runs in the journal. RUN is an id, the beginning of one, or `last`."""
    return context.invoke(list_) if context.invoked_subcommand is None else 0


@COMMAND.command("list", short_help="the newest runs, a line each")
@click.option("-n", "most", type=_options.Whole(1, 10_000), default=20, show_default=True, help="How many.")
@click.option("--pipeline", metavar="NAME", help="Only runs of this pipeline.")
@click.option("--all", "apart", is_flag=True, help="Also those of evals, sessions and conversations, each by itself.")
@click.option("--of", "series", metavar="ID", help="Only those of this eval, session or conversation.")
@_options.as_json
def list_(
    most: int = 20,
    pipeline: str | None = None,
    apart: bool = False,
    series: str | None = None,
    as_json: bool = False,
) -> int:
    """List the newest runs. An eval, a session of `code` or a conversation is one line; --of lists its runs."""
    import json
    from dataclasses import asdict

    from fusion_graph.commands import _console
    from fusion_graph.commands._runs import histories

    found = histories.listed(most, pipeline, series, apart=apart)
    if as_json:
        _console.out(json.dumps([asdict(line) for line in found], indent=2))
    elif found:
        _console.out(histories.table(found))
    else:
        _console.err("no runs yet")
    return 0


@COMMAND.command("show", short_help="one run: its graph with states, a timeline, every call")
@RUN
def show(run: str) -> int:
    """Draw RUN's graph with the state of every node, then when each call ran, what it took and what it cost. Of an
    eval, a session or a conversation list its runs."""
    from fusion_graph.commands import _console
    from fusion_graph.commands._runs import histories

    _console.out("\n".join(histories.told(run)))
    return 0


@COMMAND.command("export", short_help="everything about one run, as one JSON document")
@RUN
def export(run: str) -> int:
    """Print everything that is kept of RUN as one JSON document, every reply of a model too. Of an eval, a session or a
    conversation that is everything about each of its runs."""
    import json

    from fusion_graph.commands import _console
    from fusion_graph.commands._runs import histories

    with histories.journal() as connection:
        _console.out(json.dumps(histories.document(connection, run), indent=2))
    return 0


@COMMAND.command("diff", short_help="what changed between two runs")
@click.argument("one", metavar="RUN")
@click.argument("other", metavar="RUN")
def diff(one: str, other: str) -> int:
    """Print what changed from the first RUN to the second: pipeline, parameters, prompt, nodes, calls, answer."""
    from fusion_graph.commands import _console
    from fusion_graph.commands._columns import fill
    from fusion_graph.commands._runs import histories

    with histories.journal() as connection:
        lines = histories.differences(connection, one, other)
    _console.out("\n".join(fill(line, _console.width(), "  ") for line in lines) or "nothing changed")
    return 0


@COMMAND.command("resume", short_help="go on with a run")
@RUN
@_options.as_json
@click.pass_context
def resume(context: click.Context, run: str, as_json: bool) -> int:
    """Go on with RUN, as `fusiongraph run --resume RUN` does: what it has paid for is not bought again."""
    from fusion_graph.commands.run import COMMAND as RUN_COMMAND

    code: int = context.invoke(RUN_COMMAND, resume=run, as_json=as_json, params={})
    return code


@COMMAND.command("prune", short_help="forget old runs")
@click.option("--days", type=_options.Number(min=0), metavar="N", help="Forget runs older than this. Default: [store].")
@click.option("--max-mb", type=_options.Number(min=0), help="Then the oldest, down to this size.")
def prune(days: float | None, max_mb: float | None) -> int:
    """Forget runs by age and size, as every run does by itself with what `[store]` in fusiongraph.toml says. An eval, a
    session or a conversation goes as a whole, by when it last went on; every run of it counts."""
    from fusion_graph.commands import _console
    from fusion_graph.commands._runs import histories

    _console.out(histories.pruned(days, max_mb))
    return 0
