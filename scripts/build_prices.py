"""Write fusion_graph/data/prices.json from the installed genai-prices (MIT), as of today. Run it before a release.

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
    for slug, prices in slugs(noon):
        if entry := rates(slug, prices):
            models.setdefault(slug, entry)
    table = {
        "date": f"{noon:%Y-%m-%d}",
        "source": f"genai-prices {version('genai-prices')} (MIT), scripts/build_prices.py",
        "unit": UNIT,
        "models": dict(sorted(models.items())),
    }
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(json.dumps(table, separators=(",", ":")).replace('],"', '],\n"') + "\n")
    print(f"{TABLE.name}: {len(models)} models, {TABLE.stat().st_size} bytes")


def slugs(now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every slug and its price fields at that moment, the router's own first."""
    providers = {provider.id: provider for provider in data_snapshot.get_snapshot().providers}
    for model in providers["openrouter"].models:
        if "/" in model.id:
            yield model.id, set_fields(model.get_prices(now))
    for vendor, prefix in VENDORS.items():
        for model in providers[vendor].models:
            if not set("/:") & set(model.id):
                yield f"{prefix}/{model.id}", set_fields(model.get_prices(now))


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
