"""The click group: names from the table, commands from their modules."""

from __future__ import annotations

import click
import pytest

from fusion_graph.commands import SUMMARIES
from fusion_graph.commands._program import PROGRAM


def test_lists_the_table_in_its_order() -> None:
    assert PROGRAM.list_commands(click.Context(PROGRAM)) == list(SUMMARIES)


@pytest.mark.parametrize("name", SUMMARIES)
def test_gives_the_real_command(name: str) -> None:
    command = PROGRAM.get_command(click.Context(PROGRAM), name)
    assert command is not None
    assert command.name == name
    assert command.callback is not None


def test_an_unknown_command_is_none() -> None:
    assert PROGRAM.get_command(click.Context(PROGRAM), "nope") is None


@pytest.mark.parametrize("name", SUMMARIES)
def test_help_reads_well(name: str) -> None:
    """No type of click's own, no escape that was meant for it."""
    command = PROGRAM.get_command(click.Context(PROGRAM), name)
    assert command is not None
    told = command.get_help(click.Context(command, info_name=name))
    assert [sign for sign in (" RANGE", " TEXT ", "\\b", "\b") if sign in told] == []
