"""docs/parity.md: what works here is shown by a command that exists and parses; what does not work shows none."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path

import click
import pytest

from fusion_graph.commands import COMMANDS
from fusion_graph.commands._program import PROGRAM
from fusion_graph.wiring import pipelines
from scripts.verify import clients

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "parity.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
PAPERS = ("run", "plan", "check", "expand", "render")  # commands whose first arguments are pipelines
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in TEXT.splitlines()
    if line.count("|") == 8 and not line.startswith(("|---", "| feature "))
]
PROOFS = sorted({shown[1:-1] for *_, shown in ROWS if shown})


def test_every_row_says_whether_it_works_here() -> None:
    assert len(ROWS) > 40
    wrong = [row[0] for row in ROWS if not re.match(r"(yes|no|not yet)\b", row[5])]
    assert wrong == []


def test_what_works_is_shown_and_what_does_not_is_not() -> None:
    assert [row[0] for row in ROWS if row[5].startswith("yes") != bool(re.fullmatch(r"`[^`]+`", row[6]))] == []


@pytest.mark.parametrize("proof", PROOFS)
def test_proof_exists(proof: str) -> None:
    program, *words = shlex.split(proof)
    {"fusiongraph": command_parses, "make": target_exists, "pytest": is_a_test}[program](words)


def command_parses(words: list[str]) -> None:
    name, *arguments = words
    command = import_module(COMMANDS[name].module).COMMAND
    program = click.Context(PROGRAM, info_name="fusiongraph", **PROGRAM.context_settings)
    context = command.make_context(name, list(arguments), parent=program)
    named = arguments if name == "check" else arguments[:1]
    assert name not in PAPERS or set(named) <= set(pipelines.presets()), context.params


def target_exists(words: list[str]) -> None:
    target, *variables = words
    assert re.search(rf"(?m)^{target}:", MAKEFILE)
    for variable in variables:
        name, _, value = variable.partition("=")
        assert name == "CLIENTS"
        assert set(value.split()) <= set(clients())


def is_a_test(words: list[str]) -> None:
    (place,) = words
    file, _, name = place.partition("::")
    assert re.search(rf"(?m)^(async )?def {name}\(", (ROOT / file).read_text("utf-8"))
