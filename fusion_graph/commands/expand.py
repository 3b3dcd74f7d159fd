"""`fusiongraph expand`: the graph form of a pipeline, which loads as the same pipeline."""

from __future__ import annotations

import click

from fusion_graph.commands import _options


@click.command("expand", short_help="print a pipeline's graph form")
@_options.pipeline
def COMMAND(pipeline: str) -> int:
    """Print the graph form of PIPELINE, a file or the name of a preset.

    A panel becomes the graph that it is short for, to be changed and run as it is. A graph is printed as it stands.
    """
    from fusion_graph.commands import _console
    from fusion_graph.wiring import pipelines

    _console.out(pipelines.graph_text(pipeline), end="")
    return 0
