"""`fusiongraph ask`: the answer of the default panel and nothing else."""

from __future__ import annotations

import click

from fusion_graph.commands import _interrupt, _options


@click.command("ask", short_help="ask the default panel, print the answer only")
@click.argument("prompt", required=False)
@click.option(
    "--config", metavar="PIPELINE", help="Another pipeline than the preset budget: a file or a preset's name."
)
@_options.prompt_file
@click.option("--journal", is_flag=True, help="Write the run down, as `run` does.")
@_options.record
@_options.replay
@_options.prices
def COMMAND(
    prompt: str | None,
    config: str | None,
    file: str | None,
    journal: bool,
    record: str | None,
    replay: str | None,
    prices: str | None,
) -> int:
    """Ask PROMPT and print the answer, as it is written.

    Without PROMPT, or with -, the prompt is read from standard input. What degraded is told on stderr.
    """
    from fusion_graph.commands._run import resuming, taping
    from fusion_graph.commands._run.running import Job, perform
    from fusion_graph.wiring import pipelines

    cassette = taping.check(record, replay)
    given = resuming.Given(config, prompt, file, {}, None)
    if cassette is None and config is None:
        given = given._replace(pipeline=pipelines.DEFAULT_PIPELINE)
    asked, _ = taping.asked(given, cassette)
    job = Job(
        asked=asked,
        prices=prices,
        tree=False,
        command="ask",
        keep=journal and cassette is None,
        record=record,
        cassette=cassette,
    )
    return _interrupt.run(perform(job), taping.loop_of(cassette))
