"""`fusiongraph new`: a file that checks at once, and nobody else's file lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fusion_graph.wiring.pipelines import presets
from tests.commands.conftest import Done

Cli = Callable[..., Done]


@pytest.mark.parametrize("shape", presets())
def test_every_preset_is_a_shape(cli: Cli, shape: str) -> None:
    done = cli("new", "mine", "--shape", shape)
    assert (done.code, done.out) == (0, "mine.yaml\n")
    assert "fusiongraph run mine.yaml" in done.err
    assert cli("check", "mine.yaml").code == 0
    assert "\nname: mine\n" in Path("mine.yaml").read_text()


def test_a_file_that_is_there_stays(cli: Cli) -> None:
    Path("mine.yaml").write_text("precious")
    done = cli("new", "mine")
    assert (done.code, done.err) == (2, "error: mine.yaml is there already; --force overwrites it\n")
    assert Path("mine.yaml").read_text() == "precious"
    assert cli("new", "mine", "--force").code == 0
    assert Path("mine.yaml").read_text() != "precious"


@pytest.mark.parametrize("name", ["../up", "/tmp/abs", "Has Space", "UPPER", "", ".hidden", "a/b", "x" * 65])  # noqa: S108
def test_nothing_is_written_outside_this_folder(cli: Cli, name: str) -> None:
    done = cli("new", name)
    assert done.code == 2
    assert "cannot name a pipeline" in done.err
    assert not list(Path().iterdir())


@pytest.mark.parametrize("flag", [(), ("--force",)])
def test_a_link_is_not_followed(cli: Cli, tmp_path: Path, flag: tuple[str, ...]) -> None:
    (tmp_path / "precious").write_text("precious")
    Path("mine.yaml").symlink_to(tmp_path / "precious")
    cli("new", "mine", *flag)
    assert (tmp_path / "precious").read_text() == "precious"


def test_the_name_of_a_preset_is_taken(cli: Cli) -> None:
    assert "is the name of a preset" in cli("new", "budget").err


def test_an_unknown_shape_is_suggested(cli: Cli) -> None:
    assert cli("new", "mine", "--shape", "debat").err == "error: there is no shape 'debat'; did you mean debate?\n"
