"""`fusiongraph check`: every finding about every file, in one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fusion_graph.errors import Diagnostic


@click.command("check", short_help="find every mistake in pipeline files")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print them.",
)
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
def COMMAND(files: tuple[str, ...], style: str, strict: bool) -> int:
    """Find every mistake in pipeline FILEs: what it is, where it is, and what was perhaps meant.

    A FILE may also be a preset's name, or a NAME.tests.yaml beside a pipeline. Exits with 2 if there is an error. What
    the codes mean: docs/codes.md.
    """
    import json
    from dataclasses import asdict
    from pathlib import Path

    from fusion_graph.commands import _console, _findings
    from fusion_graph.errors import UsageError
    from fusion_graph.graph.pipeline_tests import is_tests
    from fusion_graph.wiring import pipelines

    found: list[Diagnostic] = []
    missing = False
    for file in files:
        try:
            found += _tests(file) if is_tests(Path(file)) else pipelines.read(file).diagnostics
        except UsageError as error:  # the others are checked all the same
            _console.error(error.message, error.hint)
            missing = True
    if style == "json":
        _console.out(json.dumps([asdict(d) for d in found], indent=2))
    elif found:
        _console.out(_findings.show_all(found, _console.width()))
    elif not missing:
        _console.out(f"{', '.join(files)}: no mistakes")
    return 2 if missing or any(strict or d.severity == "error" for d in found) else 0


def _tests(file: str) -> Sequence[Diagnostic]:
    """Of a file of tests; what runs them is loaded for that alone."""
    from fusion_graph.commands._testing import check_tests

    return check_tests(file)
