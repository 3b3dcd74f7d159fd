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
@_options.record
@_options.replay
@_options.prices
def COMMAND(
    prompt: str | None,
    config: str | None,
    file: str | None,
    record: str | None,
    replay: str | None,
    prices: str | None,
) -> int:
    """Ask PROMPT and print the answer, as it is written.

    Without PROMPT, or with -, the prompt is read from standard input. What degraded is told on stderr.
    """
    from fusion_graph import wiring
    from fusion_graph.commands._running import Job, perform
    from fusion_graph.commands._taping import check_tapes, loop_of, read_asked

    check_tapes(record, replay)
    found = wiring.load(config or wiring.DEFAULT_PIPELINE)
    asked = read_asked(prompt, file, replay)
    job = Job(pipeline=found, prompt=asked, prices=prices, record=record, replay=replay, tree=False)
    return _interrupt.run(perform(job), loop_of(replay))
