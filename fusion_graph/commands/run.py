"""`fusiongraph run`: one pipeline, one prompt, one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fusion_graph.commands import _interrupt, _options

if TYPE_CHECKING:
    from fusion_graph.wiring.tools import Allowed


@click.command("run", short_help="run a pipeline on a prompt")
@click.argument("pipeline", metavar="PIPELINE", required=False)
@click.argument("prompt", required=False)
@_options.prompt_file
@_options.params
@_options.as_json
@click.option(
    "--no-stream", is_flag=True, help="Print the answer when it is whole; until then it may still be replaced."
)
@click.option("--trace", metavar="FILE", help="Write every event of the run to this file, one JSON object a line.")
@click.option("--budget-usd", type=_options.Number(min=0), help="Spend at most X dollars.")
@click.option("--deadline-s", type=_options.Number(min=0, min_open=True), help="Answer within X seconds.")
@click.option("--seed", type=int, metavar="N", help="The run's seed, which is also sent to the models.")
@click.option("--resume", metavar="RUN", help="Go on with this run: what it has paid for is not bought again.")
@_options.journal("Write the run down, so that it can go on later.")
@click.option("--cache", is_flag=True, help="Take replies of earlier runs to the very same calls.")
@_options.record
@_options.replay
@_options.strict
@_options.tools
@_options.prices
def COMMAND(
    pipeline: str | None,
    prompt: str | None,
    file: str | None,
    params: dict[str, str],
    as_json: bool,
    no_stream: bool,
    trace: str | None,
    budget_usd: float | None,
    deadline_s: float | None,
    seed: int | None,
    resume: str | None,
    journal: bool,
    cache: bool,
    record: str | None,
    replay: str | None,
    strict: bool,
    allowed: Allowed,
    prices: str | None,
) -> int:
    """Run PIPELINE, a file or the name of a preset, on PROMPT.

    With --resume neither is needed: the run goes on as it was begun. A PIPELINE given with it takes the place of the
    old one, and only nodes that changed run again.

    Without PROMPT, or with -, the prompt is read from standard input.

    On a terminal you see every node live on stderr and the answer on stdout as it is written. In a pipe, stdout gets
    the answer and nothing else.

    With --replay the pipeline, prompt, parameters, seed and limits are the recorded ones where you give none.
    """
    from fusion_graph.commands._run import resuming, taping
    from fusion_graph.commands._run.running import Job, perform

    given = resuming.Given(pipeline, prompt, file, params, seed)
    cassette = taping.check(record, replay, resume=resume is not None, cache=cache)
    asked, past = taping.asked(given, cassette, resume)
    job = Job(
        asked=asked._replace(
            stream=not no_stream,
            budget_usd=asked.budget_usd if budget_usd is None else budget_usd,
            deadline_s=asked.deadline_s if deadline_s is None else deadline_s,
        ),
        past=past,
        as_json=as_json,
        trace=trace,
        keep=journal and cassette is None,
        record=record,
        cassette=cassette,
        cache=cache,
        strict=strict,
        prices=prices,
        allowed=allowed,
    )
    return _interrupt.run(perform(job), taping.loop_of(cassette))
