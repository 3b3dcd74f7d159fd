"""Arguments that several commands share, so that they look and behave the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class Whole(click.IntRange):
    """A whole number: `N` in the help."""

    name = "n"


class Number(click.FloatRange):
    """Any number but NaN and infinity, which no limit can be: `X` in the help."""

    name = "x"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = float(super().convert(value, param, ctx))
        if not math.isfinite(found):
            self.fail(f"{value} is no number", param, ctx)
        return found


def tools(command: Callable[..., int]) -> Callable[..., int]:
    """What a pipeline's tools may touch: four options, which the command gets as one value, `allowed`."""

    @wraps(command)
    def gathered(
        *, allow_tools: tuple[str, ...], root: str, unsafe_bash: bool, bash_network: bool, **given: Any
    ) -> int:
        from fusion_graph.wiring.tools import Allowed

        allowed = Allowed(names=allow_tools, root=root, unsafe_bash=unsafe_bash, network=bash_network)
        return command(allowed=allowed, **given)

    command_with = gathered
    for option in (
        click.option("--bash-network", is_flag=True, help="Let bash reach the network."),
        click.option("--unsafe-bash", is_flag=True, help="Run bash unconfined where no sandbox works."),
        click.option("--root", metavar="DIR", default=".", help="The folder that tools may touch.  [default: .]"),
        click.option(
            "--allow-tools",
            multiple=True,
            metavar="NAMES",
            help="Tools of this machine that models may use: bash, read_file, ..., with commas between; or all."
            " Those of MCP servers by name: mcp:server/tool, or mcp:server.",
        ),
    ):
        command_with = option(command_with)
    return command_with


def journal(what: str) -> Callable[[F], F]:
    """The journal, on unless it is switched off."""
    return click.option("--journal/--no-journal", default=True, help=f"{what}  [default: yes]")


def _pairs(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """`name=value` texts as a map; a name given twice is a mistake rather than a wish."""
    pairs: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{text!r} is not name=value")
        if name in pairs:
            raise click.BadParameter(f"{name} is given twice")
        pairs[name] = value
    return pairs


pipeline = click.argument("pipeline", metavar="PIPELINE")
params = click.option(
    "-p",
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_pairs,
    help="Give a parameter of the pipeline a value; may be repeated.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout and nothing else.")
prices = click.option("--prices", metavar="FILE", help="Lay this price table (JSON) over the shipped one.")
prompt_file = click.option("-f", "--file", metavar="FILE", help="Read the prompt from this file.")
record = click.option("--record", metavar="FILE", help="Record the run to this file: every attempt and its timing.")
replay = click.option("--replay", metavar="FILE", help="Answer from a recorded run: no network, no key, no waiting.")
strict = click.option("--strict", is_flag=True, help="Exit with 3 if anything degraded.")
