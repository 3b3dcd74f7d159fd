"""The click group `fusiongraph`: lists the table, loads a command's module when it is used."""

from __future__ import annotations

from importlib import import_module

import click

from fusion_graph import __version__
from fusion_graph.commands import SUMMARIES

EXIT_CODES = """
Exit codes: 0 answered (also degraded), 1 the run failed, 2 wrong usage or an invalid pipeline, 3 degraded under
--strict, 4 budget or deadline, 130 interrupted (Ctrl-C), 143 terminated (SIGTERM), 141 nobody reads the output any
more, 70 a bug of ours.
"""


class Program(click.Group):
    """Holds a stub for every command, for names and suggestions; `get_command` gives the real one."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  (click's signature)
        if cmd_name not in SUMMARIES:
            return None
        command: click.Command = import_module(f"fusion_graph.commands.{cmd_name}").COMMAND
        return command

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (as above)
        return list(SUMMARIES)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  (as above)
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


PROGRAM = Program(
    name="fusiongraph",
    help="Ask several language models, compare what they say, write one answer. The graph is yours, in YAML.",
    epilog=EXIT_CODES,
    commands={name: click.Command(name, short_help=summary) for name, summary in SUMMARIES.items()},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)
click.version_option(__version__, message="fusiongraph %(version)s")(PROGRAM)
