"""`-p name=value`: pairs of texts, and what is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Done


@pytest.mark.parametrize("given", ["judge", "=x", ""])
def test_a_param_is_a_pair(cli: Callable[..., Done], given: str) -> None:
    done = cli("run", "budget", "hello", "-p", given)
    assert done.code == 2
    assert "is not name=value" in done.err


def test_a_param_is_given_once(cli: Callable[..., Done]) -> None:
    done = cli("run", "budget", "hello", "-p", "layers=1", "-p", "layers=2")
    assert (done.code, "layers is given twice" in done.err) == (2, True)


def test_a_value_may_hold_an_equals_sign(cli: Callable[..., Done], tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(
        "version: 1\nname: p\nparams: {tone: {type: string, default: dry}}\n"
        "nodes: {a: {kind: proposer, model: a/x, system: 'Tone: {{params.tone}}'}}\noutput: a\n"
    )
    done = cli("run", file, "hello", "-p", "tone=a=b", "--trace", tmp_path / "t")
    assert done.code == 0
    assert "Tone: a=b" in (tmp_path / "t").read_text()


def test_an_unknown_param_is_suggested(cli: Callable[..., Done]) -> None:
    done = cli("run", "budget", "hello", "-p", "juge=a/x")
    assert done.code == 2
    assert done.err == "error: budget has no parameter 'juge'; did you mean judge?\n"


@pytest.mark.parametrize("pair", ["layers=two", "layers=1.5", "refine=maybe", "layers=99", "panel="])
def test_a_value_fits_its_type(cli: Callable[..., Done], pair: str) -> None:
    done = cli("run", "budget", "hello", "-p", pair)
    assert (done.code, done.out) == (2, "")
    assert pair.split("=", maxsplit=1)[0] in done.err


@pytest.mark.parametrize("given", ["nan", "inf", "-inf"])
def test_what_no_limit_can_be_is_refused(cli: Callable[..., Done], given: str) -> None:
    done = cli("run", "budget", "hello", "--budget-usd", given)
    assert (done.code, "Invalid value for '--budget-usd'" in done.err) == (2, True)
