"""`fusiongraph chat`: a conversation with any pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fusion_graph.commands import _interrupt, _options

if TYPE_CHECKING:
    from fusion_graph.wiring.tools import Allowed


@click.command("chat", short_help="a conversation with a pipeline")
@click.option(
    "--config", metavar="PIPELINE", help="Another pipeline than the preset budget: a file or a preset's name."
)
@_options.params
@click.option("--budget-usd", type=_options.Number(min=0), help="Spend at most X dollars on an answer.")
@click.option("--journal", is_flag=True, help="Write the conversation down, so that it can go on later.")
@click.option("--resume", metavar="CONVERSATION", help="Go on with one that was written down: its id, or `last`.")
@_options.tools
@_options.prices
def COMMAND(
    config: str | None,
    params: dict[str, str],
    budget_usd: float | None,
    journal: bool,
    resume: str | None,
    allowed: Allowed,
    prices: str | None,
) -> int:
    """Talk with a pipeline. Enter sends, Alt-Enter begins a new line, Ctrl-C stops an answer, Ctrl-D leaves; /help
    lists the commands.

    Off a terminal every line of standard input is a question, and standard output gets the answers.
    """
    from fusion_graph.commands._talking import Choice, talk

    choice = Choice(
        pipeline=config,
        params=params,
        budget_usd=budget_usd,
        journal=journal,
        resume=resume,
        prices=prices,
        allowed=allowed,
    )
    return _interrupt.run(talk(choice))
