"""`fusiongraph mcp`: every pipeline is a tool of the Model Context Protocol."""

from __future__ import annotations

import click

from fusion_graph.commands import _interrupt, _options


@click.command("mcp", short_help="every pipeline as an MCP tool")
@click.option("--config", metavar="FILE", help="Offer this pipeline, as `fusion` too.")
@click.option("--pipelines", metavar="DIR", help="Offer every pipeline file of this folder.")
@click.option("--http", type=_options.Whole(0, 65535), metavar="PORT", help="Over HTTP at this port; 0 is a free one.")
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="With --http: listen here.")
@click.option("--prices", metavar="FILE", help="Lay these prices over the shipped ones.")
@click.option("--journal", is_flag=True, help="Write every run down, for `fusiongraph runs`; prompts and answers too.")
@click.option("--allow-tools", multiple=True, metavar="NAMES", help="Tools that pipelines may use, as for serve.")
def COMMAND(
    config: str | None,
    pipelines: str | None,
    http: int | None,
    host: str,
    prices: str | None,
    journal: bool,
    allow_tools: tuple[str, ...],
) -> int:
    """Speak the Model Context Protocol on standard input and output until the input ends; with --http over HTTP until
    Ctrl-C. The tools: `council`, which takes any pipeline, and one for each pipeline.

    Without --config and --pipelines the default preset is offered as `fusion`. With FUSION_SERVER_KEYS, HTTP needs a
    key.
    """
    from fusion_graph.commands._serve.mcp_serving import perform
    from fusion_graph.commands._serve.serving import Given

    given = Given(config=config, folder=pipelines, prices=prices, journal=journal, allow_tools=allow_tools)
    return _interrupt.run(perform(given, port=http, host=host))
