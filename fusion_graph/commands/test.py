"""`fusiongraph test`: a pipeline's own tests, on stubs."""

from __future__ import annotations

import click

from fusion_graph.commands import _interrupt, _options


@click.command("test", short_help="run the tests of pipelines on stub replies")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@_options.as_json
def COMMAND(files: tuple[str, ...], as_json: bool) -> int:
    """Run the tests of pipeline FILEs: those in the file under `tests`, and those beside it in NAME.tests.yaml.

    A FILE may also be a preset's name. Models are stubs: no network, no key, no waiting. Exits with 1 if a test fails,
    with 2 if a file is wrong or has no tests.
    """
    import json

    from fusion_graph.commands import _console
    from fusion_graph.commands._testing import find_all, run_tests, told
    from fusion_graph.store.clockwork import Clockwork

    found = find_all(files)  # all of them are right before the first one runs
    verdicts = _interrupt.run(run_tests(found), Clockwork)
    if as_json:
        _console.out(json.dumps([verdict.document() for verdict in verdicts], indent=2))
    else:
        _console.out(told(verdicts, _console.width()))
    return 1 if any(verdict.differs for verdict in verdicts) else 0
