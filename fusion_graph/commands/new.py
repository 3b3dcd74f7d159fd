"""`fusiongraph new`: a pipeline file of one's own, begun from a preset that works."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@click.command("new", short_help="start a pipeline file from a shape that works")
@click.argument("name")
@click.option("--shape", metavar="PRESET", default="budget-graph", show_default=True, help="The preset to begin from.")
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
def COMMAND(name: str, shape: str, force: bool) -> int:
    """Write NAME.yaml in this folder: a copy of a preset, with its comments, under your own name."""
    from fusion_graph.commands import _console
    from fusion_graph.errors import UsageError
    from fusion_graph.graph.diagnostics import suggest
    from fusion_graph.wiring import pipelines

    stem = name.removesuffix(".yaml")
    if not NAME.fullmatch(stem):
        raise UsageError(
            f"{name!r} cannot name a pipeline", hint="small letters, digits, . _ and -, 64 at most; no folders"
        )
    known = pipelines.presets()
    if stem in known:
        raise UsageError(f"{stem} is the name of a preset", hint="choose another one")
    if shape not in known:
        raise UsageError(f"there is no shape {shape!r}", hint=suggest(shape, known) or f"shapes: {', '.join(known)}")
    text = re.sub(r"(?m)^name: .*$", f"name: {stem}", known[shape].read_text("utf-8"), count=1)
    path = Path(f"{stem}.yaml")
    _write(path, _without_schema(text), force=force)
    _console.out(str(path))
    _console.err(f"next: fusiongraph check {path}; fusiongraph plan {path}; fusiongraph run {path} 'your question'")
    return 0


def _without_schema(text: str) -> str:
    """The editor's line names a schema beside the presets, where the new file is not."""
    return re.sub(r"\A# yaml-language-server: .*\n#?\n?", "", text)


def _write(path: Path, text: str, *, force: bool) -> None:
    """A new file, never somebody else's through a link."""
    from fusion_graph.errors import UsageError

    if force and path.is_file():
        path.unlink()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "w", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise UsageError(f"{path} is there already", hint="--force overwrites it") from None
    except OSError as fault:
        raise UsageError(f"{path} cannot be written: {fault.strerror}") from fault
