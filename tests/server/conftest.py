"""What tests of the server share as fixtures."""

from __future__ import annotations

import pytest

from fusion_graph.providers import _openai_client


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No long wait for counts of tokens that an upstream never sends."""
    monkeypatch.setattr(_openai_client, "_AFTER_FINISH_S", 0.4)
