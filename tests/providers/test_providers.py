"""The table: what is in it, and that asking for it costs nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fusion_graph.providers import PROVIDERS


def test_only_made_up_and_embedded_are_free() -> None:
    assert {name for name, provider in PROVIDERS.items() if provider.free} == {"sim", "local"}


def test_unknown_provider_is_a_key_error() -> None:
    assert "nope" not in PROVIDERS
    with pytest.raises(KeyError):
        PROVIDERS["nope"]


def test_table_imports_nothing_heavy() -> None:
    code = (
        "import sys; from fusion_graph.providers import PROVIDERS; 'openai' in PROVIDERS; PROVIDERS['openai'];"
        "print(sorted({'aiohttp', 'asyncio', 'ssl'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=sys.path[0] or "."
    )
    assert done.stdout.strip() == "[]"
