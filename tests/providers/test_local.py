"""What the embedded model needs, and what it says when something is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fusion_graph.contracts import Backend
from fusion_graph.errors import UsageError
from fusion_graph.providers import local

BACKEND = Backend(name="local", provider="local")


def test_missing_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "ENGINE", "no_such_engine")
    assert "engine is not installed" in local.available()
    with pytest.raises(UsageError, match="no embedded model"):
        local.PROVIDER.open(BACKEND)


def test_missing_weights_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "ENGINE", "json")
    monkeypatch.setattr(local, "WEIGHTS", "no-such-weights")
    assert "weights are not installed" in local.available()


def test_asking_imports_neither() -> None:
    code = (
        "import sys; from fusion_graph.providers import local; local.available();"
        "print([name for name in sys.modules if 'llama' in name or 'smol' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
