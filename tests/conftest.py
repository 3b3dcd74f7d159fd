"""What every test gets: an environment without keys or settings, an empty working folder, and a mended aioresponses."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest
from aioresponses import core
from hypothesis import settings

settings.register_profile("house", deadline=None)  # tests are never timed: a loaded machine is no fault of the code
settings.load_profile("house")

KEYS = ("OPENROUTER_API_KEY", "OPENAI_API_KEY", "NO_COLOR", "FORCE_COLOR")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No FUSION_* variable, no key, no .env: nothing of the developer's machine reaches a test."""
    for name in list(os.environ):
        if name.startswith("FUSION_") or name in KEYS:
            monkeypatch.delenv(name)
    monkeypatch.setenv("FUSION_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))


class _Response(aiohttp.ClientResponse):
    """aioresponses 0.7.9 does not know the argument `stream_writer` that aiohttp 3.14 asks for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", Mock(output_size=0))
        super().__init__(*args, **kwargs)


@pytest.fixture(scope="session", autouse=True)
def mended_aioresponses() -> Iterator[None]:
    """Give it the argument, only where the signature has it; goes when aioresponses knows it (its issue 289)."""
    if "stream_writer" not in inspect.signature(aiohttp.ClientResponse.__init__).parameters:
        yield
        return
    before = vars(core)["ClientResponse"]
    vars(core)["ClientResponse"] = _Response
    yield
    vars(core)["ClientResponse"] = before
