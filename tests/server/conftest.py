"""What tests of the server share as fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fusion_graph.providers._openai import client
from tests.server.places import Place


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No long wait for counts of tokens that an upstream never sends."""
    monkeypatch.setattr(client, "_AFTER_FINISH_S", 0.4)


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    redis = Place(tmp_path_factory.mktemp("redis"))
    yield redis
    redis.end()
