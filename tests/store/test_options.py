"""`[store]` of the settings."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.store.options import StoreOptions, read_options


def test_absent_keys_have_defaults() -> None:
    assert read_options({}) == StoreOptions()
    assert read_options({"keep_days": 3}).keep_days == 3.0


@pytest.mark.parametrize("table", [{"keep": 1}, {"keep_days": 0}, {"max_mb": True}, {"max_mb": "1"}, {"max_mb": 1e10}])
def test_mistake_is_named(table: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=rf"\[store\]: .*{next(iter(table))}"):
        read_options(table)
