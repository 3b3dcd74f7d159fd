"""`fusiongraph doctor`: what is in use, whether it works, and never a key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from fusion_graph import __version__
from tests.commands.conftest import Done
from tests.commands.test_sim import served

Cli = Callable[..., Done]


@contextmanager
def upstream(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *arguments: str) -> Iterator[str]:
    """A simulated upstream that the settings name."""
    with served(environment, *arguments) as url:
        monkeypatch.setenv("FUSION_BACKEND", "default")
        monkeypatch.setenv("FUSION_BASE_URL", url)
        yield url


def test_says_which_backend_and_why(cli: Cli) -> None:
    done = cli("doctor")
    assert done.code == 0
    assert done.out.startswith("in use          sim: FUSION_BACKEND is set\n")
    assert f"fusion_graph {__version__}, Python 3." in done.out
    assert "aiohttp 3." in done.out
    assert "prices          of 20" in done.out


def test_keys_are_named_and_not_shown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-secret")
    done = cli("doctor")
    assert "OPENROUTER_API_KEY: set\n" in done.out
    assert "OPENAI_API_KEY: not set\n" in done.out
    assert "sk-or-secret" not in done.out + done.err


def test_a_backend_that_answers_is_fine(cli: Cli, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    with upstream(monkeypatch, environment) as url:
        done = cli("doctor")
    assert done.code == 0
    assert f"default, {url}: answers in 0." in done.out


def test_a_backend_that_does_not_answer_is_1(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_BACKEND", "default")
    monkeypatch.setenv("FUSION_BASE_URL", "http://127.0.0.1:9/v1")
    done = cli("doctor")
    assert done.code == 1
    assert "default, http://127.0.0.1:9/v1: the upstream cannot be reached" in done.out
