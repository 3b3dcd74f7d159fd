"""`fusiongraph ask`: the answer of the default panel and nothing else."""

from __future__ import annotations

import click

from fusion_graph.commands import _interrupt, _options
from fusion_graph.commands._prompt import read_prompt


@click.command("ask", short_help="ask the default panel, print the answer only")
@click.argument("prompt", required=False)
@click.option(
    "--config", metavar="PIPELINE", help="Another pipeline than the preset budget: a file or a preset's name."
)
@_options.prompt_file
@click.option("--journal", is_flag=True, help="Write the run down, as `run` does.")
@_options.prices
def COMMAND(prompt: str | None, config: str | None, file: str | None, journal: bool, prices: str | None) -> int:
    """Ask PROMPT and print the answer, as it is written.

    Without PROMPT, or with -, the prompt is read from standard input. What degraded is told on stderr.
    """
    from fusion_graph import wiring
    from fusion_graph.commands._running import Job, perform
    from fusion_graph.messages import Message

    found = wiring.load(config or wiring.DEFAULT_PIPELINE)
    messages = (Message("user", read_prompt(prompt, file)),)
    job = Job(pipeline=found, messages=messages, prices=prices, tree=False, command="ask", keep=journal)
    return _interrupt.run(perform(job))
