"""`fusiongraph plan`: what a pipeline will do, and what it can cost at most, from the file alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fusion_graph.commands import _options

if TYPE_CHECKING:
    from fusion_graph.graph.forecast.estimate import Cost, Estimate, NodeEstimate


@click.command("plan", short_help="what a pipeline will do and cost at most, before anything is spent")
@_options.pipeline
@click.argument("prompt", required=False)
@_options.prompt_file
@_options.params
@click.option("--run-history", is_flag=True, help="Beside the bounds, what earlier runs of this pipeline really took.")
@_options.as_json
@_options.prices
def COMMAND(
    pipeline: str,
    prompt: str | None,
    file: str | None,
    params: dict[str, str],
    run_history: bool,
    as_json: bool,
    prices: str | None,
) -> int:
    """Print what PIPELINE, a file or the name of a preset, will do on PROMPT, without calling anybody.

    Every node with its calls and tokens, the fewest and the most calls, attempts with all retries, the cost at worst,
    the longest chain of calls, and whether the answer streams. Without PROMPT a conversation of 1,000 tokens is
    assumed.
    """
    import json

    from fusion_graph import settings
    from fusion_graph.commands import _console
    from fusion_graph.commands._prompt import read_prompt
    from fusion_graph.engine.estimates import prompt_tokens
    from fusion_graph.graph.forecast.estimate import PROMPT_TOKENS, estimate
    from fusion_graph.messages import Message
    from fusion_graph.wiring import engines, pipelines

    setup = settings.load()
    found = pipelines.load(pipeline)
    bound = pipelines.bind(found, pipelines.read_params(found, params))
    table = engines.prices(prices)
    size = (
        PROMPT_TOKENS
        if prompt is None and file is None
        else prompt_tokens((Message("user", read_prompt(prompt, file)),))
    )
    made = estimate(bound, engines.rates(setup, table), size)
    more: dict[str, Any] = {"prices_date": table.date}
    lines = [*_nodes(made), "", *_sums(made, table.date)]
    if run_history:
        from fusion_graph.commands._runs import earlier

        history = earlier.earlier(found.name)
        more["history"] = history.to_json()
        lines += ["", *earlier.lines_of(history)]
    _console.out(json.dumps(made.to_json() | more, indent=2) if as_json else "\n".join(lines))
    return 0


def _nodes(made: Estimate) -> list[str]:
    from fusion_graph.commands import _console
    from fusion_graph.commands._columns import columns

    head = ("node", "model", "calls", "tokens in", "out", "cost")
    rows = [head, *(_row(node) for node in made.nodes)]
    return [columns(rows, right=frozenset({2, 3, 4, 5}), width=_console.width())]


def _row(node: NodeEstimate) -> tuple[str, ...]:
    """One node; what calls nobody shows its kind in brackets."""
    from fusion_graph.figures import count, usd

    if not node.model:
        return node.id, f"({node.kind})", "", "", "", ""
    least, most = node.calls
    calls = str(most) if least == most else f"{least}-{most}"
    return node.id, node.model, calls, count(node.input_tokens), count(node.output_tokens), usd(node.cost.most)


def _sums(made: Estimate, date: str) -> list[str]:
    from fusion_graph.commands import _console
    from fusion_graph.commands._columns import columns
    from fusion_graph.figures import count, seconds, several, usd

    least, most = made.calls
    calls = several(most, "call") if least == most else f"{least} to {several(most, 'call')}"
    rows = [
        ("calls", f"{calls}, at most {several(made.attempts, 'attempt')} with every retry and alternate"),
        (
            "tokens",
            f"at most {count(made.input_tokens)} in and {count(made.output_tokens)} out, each call counted once",
        ),
        ("cost", _cost(made.cost, date)),
    ]
    if made.unknown_prices:
        rows.append(("no price", ", ".join(made.unknown_prices)))
    path = made.path
    late = f", cut at the deadline ({seconds(path.uncapped_s)} without it)" if path.seconds < path.uncapped_s else ""
    rows += [
        ("longest", f"{' > '.join(path.nodes) or 'no calls'}: {several(path.calls, 'call')} one after the other"),
        ("", f"at most {seconds(path.seconds)}{late}"),
        ("answer", made.first_token),
        ("limits", _limits(made)),
        ("prompt", f"{count(made.prompt_tokens)} tokens"),
        *(("note", note) for note in made.notes),
    ]
    if made.hold_usd:
        rows.append(("held back", f"{usd(made.hold_usd)} of a budget, for one call of the writer"))
    return [columns(rows, width=_console.width())]


def _cost(cost: Cost, date: str) -> str:
    """The range of a run without failures, and the end of all attempts."""
    from fusion_graph.figures import usd

    if cost.most is None:
        return f"unknown, as a price is missing (prices of {date})"
    if cost.worst == 0:
        return "$0"
    span = usd(cost.most) if cost.least == cost.most else f"{usd(cost.least)} to {usd(cost.most)}"
    return f"{span} with every text at its full length, {usd(cost.worst)} with every attempt (prices of {date})"


def _limits(made: Estimate) -> str:
    limits = made.limits
    told = {
        "deadline": f"{limits.deadline_s:g} s" if limits.deadline_s else "",
        "reserve": f"{limits.reserve_s:g} s" if limits.reserve_s else "",
        "budget": f"${limits.budget_usd:g}" if limits.budget_usd is not None else "",
        "calls": f"{limits.max_calls}" if limits.max_calls is not None else "",
        "tokens": f"{limits.max_tokens}" if limits.max_tokens is not None else "",
        "at once": f"{limits.max_concurrency}" if limits.max_concurrency else "",
    }
    return ", ".join(f"{name} {value}" for name, value in told.items() if value) or "none"
