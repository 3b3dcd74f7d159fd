"""`[store]` of the settings: how long and how much is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from fusion_graph.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOptions:
    """`keep_days` and `max_mb` of the journal, `cache_days` and `cache_max_mb` of the cross-run cache."""

    keep_days: float = 30.0
    max_mb: float = 1024.0
    cache_days: float = 7.0
    cache_max_mb: float = 256.0


def read_options(table: Mapping[str, Any]) -> StoreOptions:
    """Raises UsageError that names the key at fault."""
    known = {field.name for field in fields(StoreOptions)}
    for name, value in table.items():
        if name not in known:
            raise UsageError(f"[store]: there is no {name!r}", hint=f"it has {', '.join(sorted(known))}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
            raise UsageError(f"[store]: {name} must be a number above 0, not {value!r}", hint=f"{name} = 30")
    return StoreOptions(**{name: float(value) for name, value in table.items()})
