"""`fusiongraph doctor`: what is in use, whether it works, and never a key."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

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


def test_mcp_servers_are_named_and_asked_only_when_told(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A folder that was downloaded may name any program: looking at it must not start one."""
    pytest.importorskip("mcp")
    toml = tmp_path / "fusiongraph.toml"
    shop = [sys.executable, str(Path(__file__).parents[1] / "tools" / "mcp_shop.py")]
    trace = tmp_path / "started"
    bad = ["/bin/sh", "-c", f"touch {trace}"]
    toml.write_text(
        f"[mcp.shop]\ncommand = {json.dumps(shop)}\n[mcp.bad]\ncommand = {json.dumps(bad)}\n"
        '[mcp.far]\nurl = "http://127.0.0.1:9/mcp"\napi_key_env = "FAR_KEY"\n'
    )
    monkeypatch.setenv("FUSION_CONFIG", str(toml))
    done = cli("doctor")
    assert done.code == 0
    assert f"shop, {' '.join(shop)}: not asked; doctor --mcp asks it" in " ".join(done.out.split())
    assert "FAR_KEY not set" in done.out
    assert not trace.exists()
    monkeypatch.setenv("FAR_KEY", "sk-canary")
    done = cli("doctor", "--mcp")
    told = " ".join(done.out.split())
    assert (done.code, trace.exists()) == (1, True)
    assert "answers, 7 tools: price, environment" in told
    assert "bad, /bin/sh -c" in told
    assert "cannot be used" in told
    assert "sk-canary" not in done.out + done.err
