"""Write fusion_graph/data/prices.json and windows.json (how much models read) from the installed genai-prices (MIT), as
of today. Run it before a release.

OpenRouter's slugs come first, then each vendor's own names as `vendor/name`. A model with a charge that tokens do not
tell (per request, per page, per second) is left out: its price is unknown rather than too low.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genai_prices import data_snapshot

TABLE = Path(__file__).parents[1] / "fusion_graph" / "data" / "prices.json"
WINDOWS = TABLE.with_name("windows.json")
VENDORS = {
    "anthropic": "anthropic",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "google": "google",
    "minimax": "minimax",
    "mistral": "mistralai",
    "moonshotai": "moonshotai",
    "openai": "openai",
    "perplexity": "perplexity",
    "x-ai": "x-ai",
    "zai": "z-ai",
}
"""A vendor's id in genai-prices and the first part of its slugs on OpenRouter."""
TOKENS = ("input_mtok", "output_mtok", "cache_read_mtok")
UNIT = "USD per million tokens: input, output, cached input; then a length of prompt and the same three above it"
HARMLESS = ("cache_write_mtok", "cache_write_1h_mtok", "web_searches_kcount", "storage_searches_kcount")
"""Charges of features this package does not ask for."""


def main() -> None:
    """Print what was found and write the table."""
    noon = datetime.now(UTC).replace(hour=12)
    models: dict[str, list[float]] = {}
    for slug, model in slugs():
        if entry := rates(slug, set_fields(model.get_prices(noon))):
            models.setdefault(slug, entry)
    write(TABLE, noon, UNIT, models, '],\n"')
    write(WINDOWS, noon, "tokens that a model reads", windows(), ',\n"')


def write(file: Path, noon: datetime, unit: str, models: dict[str, Any], between: str) -> None:
    table = {
        "date": f"{noon:%Y-%m-%d}",
        "source": f"genai-prices {version('genai-prices')} (MIT), scripts/build_prices.py",
        "unit": unit,
        "models": dict(sorted(models.items())),
    }
    head, _, body = json.dumps(table, separators=(",", ":")).partition('"models":')
    file.parent.mkdir(exist_ok=True)
    file.write_text(f'{head}"models":{body.replace(between.replace(chr(10), ""), between)}\n')
    print(f"{file.name}: {len(models)} models, {file.stat().st_size} bytes")


def windows() -> dict[str, int]:
    """The first length said of each slug."""
    found: dict[str, int] = {}
    for slug, model in slugs():
        if model.context_window:
            found.setdefault(slug, model.context_window)
    return found


def slugs() -> Iterator[tuple[str, Any]]:
    """Every slug and its model, the router's own first."""
    providers = {provider.id: provider for provider in data_snapshot.get_snapshot().providers}
    for model in providers["openrouter"].models:
        if "/" in model.id:
            yield model.id, model
    for vendor, prefix in VENDORS.items():
        for model in providers[vendor].models:
            if not set("/:") & set(model.id):
                yield f"{prefix}/{model.id}", model


def set_fields(prices: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(prices).items() if value is not None}


def rates(slug: str, prices: dict[str, Any]) -> list[float]:
    """Input, output and cached input; then each step of a price that rises with the prompt. [] = not known."""
    if not prices and slug.endswith(":free"):
        return [0, 0]
    if not {"input_mtok", "output_mtok"} <= prices.keys() <= {*TOKENS, *HARMLESS}:
        return []
    fields = [prices.get(name, prices["input_mtok"]) for name in TOKENS]
    steps = sorted({tier.start for field in fields for tier in getattr(field, "tiers", ())})
    found = [at(field, 0) for field in fields]
    for start in steps:
        found += [start, *(at(field, start) for field in fields)]
    return found[:2] if found[2:] == found[:1] else found


def at(field: Any, start: int) -> float:
    """The price once the prompt has passed `start` tokens."""
    prices = [getattr(field, "base", field), *(t.price for t in getattr(field, "tiers", ()) if t.start <= start)]
    price = round(float(prices[-1]), 6)
    return int(price) if price == int(price) else price


if __name__ == "__main__":
    main()
