"""The table of commands: `--help` is quick because nothing else is loaded, and every command explains itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from fusion_graph import __version__
from fusion_graph.commands import COMMANDS, SUMMARIES
from tests.commands.conftest import Done

HEAVY = ("networkx", "aiohttp", "jsonschema", "ruamel", "rich", "asyncio", "graphviz", "fusion_graph.contracts")
LOADED = "import sys; from fusion_graph.commands import execute; execute({!r}); print(); print(sys.modules.keys())"


def loaded_by(environment: dict[str, str], *arguments: str) -> str:
    """Every module that a command line loads."""
    command = [sys.executable, "-c", LOADED.format(list(arguments))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_loads_click_and_nothing_heavy(environment: dict[str, str], argument: str) -> None:
    loaded = loaded_by(environment, argument)
    assert "'click'" in loaded
    assert [name for name in HEAVY if f"'{name}'" in loaded] == []


@pytest.mark.parametrize("command", [("check", "budget"), ("plan", "budget")])
def test_check_and_plan_load_no_client(environment: dict[str, str], command: tuple[str, ...]) -> None:
    loaded = loaded_by(environment, *command)
    assert not [name for name in ("aiohttp", "rich", "graphviz") if f"'{name}'" in loaded]


def test_a_piped_run_on_sim_loads_little(environment: dict[str, str]) -> None:
    loaded = loaded_by(environment, "run", "budget", "hello")
    assert not [name for name in ("aiohttp", "rich", "graphviz", "networkx", "jsonschema") if f"'{name}'" in loaded]


def test_help_lists_every_command(cli: Callable[..., Done]) -> None:
    done = cli("--help")
    assert done.code == 0
    assert [name for name in SUMMARIES if f"\n  {name} " not in done.out] == []
    assert "Exit codes: 0 answered" in done.out


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(cli: Callable[..., Done], name: str) -> None:
    done = cli(name, "--help")
    assert done.code == 0
    assert done.out.startswith(f"Usage: fusiongraph {name} ")
    assert "-h, --help" in done.out


def test_tells_its_version(cli: Callable[..., Done]) -> None:
    assert cli("--version").out == f"fusiongraph {__version__}\n"


def test_suggests_the_command_that_was_meant(cli: Callable[..., Done]) -> None:
    done = cli("rnu", "budget", "hello")
    assert (done.code, done.out) == (2, "")
    assert "'rnu'" in done.err
    assert "run" in done.err.replace("rnu", "")


def test_no_command_prints_the_help(cli: Callable[..., Done]) -> None:
    done = cli()
    assert done.code == 2
    assert "Commands:" in done.err


def test_the_summaries_are_the_commands_own(environment: dict[str, str]) -> None:
    code = (
        "import json; from importlib import import_module; from fusion_graph.commands import COMMANDS;"
        "print(json.dumps({n: import_module(c.module).COMMAND.short_help for n, c in COMMANDS.items()}))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == dict(SUMMARIES)
