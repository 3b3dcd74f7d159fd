"""How many tokens models read: a table that ships with the package, made with the prices by `scripts/build_prices.py`.
Of a model that is not in it nothing is known."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from fusion_graph.engine.pricing import names_of

TABLE = Path(__file__).parents[1] / "data" / "windows.json"


def shipped_window(model: str) -> int | None:
    """The length of its window, found as its price is."""
    table = _shipped()
    return next((table[slug] for slug in names_of(model) if slug in table), None)


@cache
def _shipped() -> dict[str, int]:
    models: dict[str, int] = json.loads(TABLE.read_bytes())["models"]
    return models
