"""`fusiongraph models`: what the presets call, what it costs, and where it is reached."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from tests.commands.conftest import Done


def test_lists_models_with_prices_and_presets(cli: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_BACKEND", "default")
    monkeypatch.setenv("FUSION_BASE_URL", "http://127.0.0.1:9/v1")
    done = cli("models")
    assert done.code == 0
    assert re.search(r"^openai/gpt-5\.5 +\d+\.\d\d +\d+\.\d\d +best-of-n", done.out, re.MULTILINE)
    assert re.search(r"prices of \d{4}-\d\d-\d\d", done.out)
    assert re.search(
        r"^default +http://127\.0\.0\.1:9/v1 +none +in use: FUSION_BACKEND is set$", done.out, re.MULTILINE
    )


def test_json_says_the_same_and_holds_no_key(cli: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-to-be-seen")
    done = cli("models", "--json")
    told = json.loads(done.out)
    assert {"models", "backends", "prices_date"} == set(told)
    assert {b["backend"]: b["key"] for b in told["backends"]}["default"] is True
    assert "not-to-be-seen" not in done.out
