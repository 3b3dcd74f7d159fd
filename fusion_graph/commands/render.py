"""`fusiongraph render`: a pipeline as a drawing, in the terminal or in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fusion_graph.commands import _options

if TYPE_CHECKING:
    from fusion_graph.graph.drawing.diagram import Picture

FORMATS = ("svg", "png", "dot", "mmd")
STDOUT = "-"


@click.command("render", short_help="draw a pipeline")
@click.argument("pipeline", metavar="PIPELINE", required=False)
@_options.params
@click.option("--run", metavar="RUN", help="Draw this earlier run, coloured by what happened.")
@click.option(
    "-o", "--output", metavar="FILE", help="Draw into this file: .svg, .png, .dot or .mmd; - is standard output."
)
@click.option("--format", "style", type=click.Choice(FORMATS), help="Draw in this format, whatever the file is called.")
def COMMAND(
    pipeline: str | None, params: dict[str, str], run: str | None, output: str | None, style: str | None
) -> int:
    """Draw PIPELINE, a file or the name of a preset, or with --run what a run made of it: in the terminal, or with -o
    into a file whose path is printed."""
    from fusion_graph.commands import _console
    from fusion_graph.errors import UsageError

    if output is not None and style is None:
        style = Path(output).suffix.removeprefix(".").lower()
        if style not in FORMATS:
            where = "standard output needs --format" if output == STDOUT else f"{output} tells no format"
            raise UsageError(where, hint=f"--format {' or '.join(FORMATS)}")
    drawn = _picture(pipeline, params) if run is None else _picture_of_run(run, pipeline)
    if style is None:
        _console.out(_terminal(drawn), end="")
    elif output is None or output == STDOUT:
        _console.out_bytes(_draw(drawn, style))
    else:
        _write(Path(output), _draw(drawn, style))
        _console.out(output)
    return 0


def _picture(pipeline: str | None, params: dict[str, str]) -> Picture:
    from fusion_graph.errors import UsageError
    from fusion_graph.graph.drawing.diagram import picture
    from fusion_graph.wiring import pipelines

    if pipeline is None:
        raise UsageError("there is nothing to draw", hint="name a file or a preset, or a run with --run")
    found = pipelines.load(pipeline)
    return picture(pipelines.bind(found, pipelines.read_params(found, params)))


def _picture_of_run(run: str, pipeline: str | None) -> Picture:
    from fusion_graph.commands._runs import histories
    from fusion_graph.errors import UsageError

    if pipeline is not None:
        raise UsageError("two things to draw: a pipeline and a run", hint="give one of them")
    drawn = histories.drawing(histories.stored(run))
    if drawn is None:
        raise UsageError(
            f"this version cannot read the pipeline of run {run} any more", hint="`runs show` lists its nodes"
        )
    return drawn


def _terminal(drawn: Picture) -> str:
    from fusion_graph.commands import _console
    from fusion_graph.graph.drawing.terminal import to_terminal

    return to_terminal(drawn, _console.width(otherwise=100))


def _draw(drawn: Picture, style: str) -> bytes:
    if style == "dot":
        from fusion_graph.graph.drawing.dot import to_dot

        return to_dot(drawn).encode()
    if style == "mmd":
        from fusion_graph.graph.drawing.mermaid import to_mermaid

        return to_mermaid(drawn).encode()
    from fusion_graph.graph.drawing.image import draw

    return draw(drawn, "svg" if style == "svg" else "png")


def _write(path: Path, drawing: bytes) -> None:
    from fusion_graph.errors import UsageError

    try:
        path.write_bytes(drawing)
    except OSError as fault:
        raise UsageError(f"{path} cannot be written: {fault.strerror}", hint="name another file") from fault
