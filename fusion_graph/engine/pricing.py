"""What tokens cost: a dated table that ships with the package, made by `scripts/build_prices.py`.

A model that is not in it has no price: None, never 0. A backend's own reported cost beats it; others make that choice.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fusion_graph.errors import UsageError
from fusion_graph.messages import Usage

TABLE = Path(__file__).parents[1] / "data" / "prices.json"
MTOK = 1_000_000
MOST_FOUND = 4096  # names that are remembered; requests may ask for any
SUFFIXES = (":free", ":nitro", ":online", ":batch", ":floor", ":extended", ":thinking")
"""How a router is asked to serve a model; the model is the one without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """USD per million tokens. `long`, if there, holds for the whole of a call with more prompt tokens than `above`."""

    input: float
    output: float
    cached: float  # prompt tokens the backend had in its cache
    above: int = 0
    long: Rates | None = None

    def cost(self, usage: Usage) -> float:
        """USD. Cached tokens are part of the prompt, reasoning tokens part of the completion."""
        if self.long and usage.prompt_tokens > self.above:
            return self.long.cost(usage)
        cached = min(usage.cached_tokens, usage.prompt_tokens)
        fresh = usage.prompt_tokens - cached
        return (fresh * self.input + cached * self.cached + usage.completion_tokens * self.output) / MTOK


class Prices:
    """A price table. `date` says how old it is; show it wherever a cost is shown that came from here."""

    def __init__(self, models: Mapping[str, Sequence[float]], date: str = "") -> None:
        """Each value: input, output, cached input if it is cheaper; then, once per step of a price that rises with the
        prompt, its length and the same three again."""
        self._models = models
        self._found: dict[str, Rates | None] = {}  # by the name asked for
        self.date = date

    @classmethod
    def shipped(cls) -> Prices:
        """The table of this version of the package, read once."""
        return _shipped()

    @classmethod
    def from_file(cls, path: str | Path) -> Prices:
        """A user's own table over the shipped one: `{"date": "2026-11-22", "models": {"my/model": [0.5, 3, 0.05]}}`.

        In USD per million tokens: input, output, cached input. Raises UsageError that names file and model.
        """
        own, base = _read(Path(path)), json.loads(TABLE.read_bytes())
        for slug, entry in own["models"].items():
            if not _is_price(entry):
                hint = "[input, output] or [input, output, cached] in USD per million tokens"
                raise UsageError(f"{path}: {slug}: not a price: {entry!r}", hint=hint)
        return cls({**base["models"], **own["models"]}, str(own.get("date") or base["date"]))

    def rates(self, model: str) -> Rates | None:
        """As written; without a suffix like `:nitro`; as `-preview`; a bare name at OpenAI. None: nobody knows."""
        if model not in self._found:
            if len(self._found) >= MOST_FOUND:
                self._found.clear()
            entry = next(filter(None, map(self._models.get, names_of(model))), None)
            self._found[model] = None if entry is None else _rates(entry)
        return self._found[model]

    def cost(self, model: str, usage: Usage) -> float | None:
        """USD for these tokens of this model; None when its price is unknown."""
        rates = self.rates(model)
        return rates.cost(usage) if rates else None


def names_of(model: str) -> tuple[str, ...]:
    """Under which a table may have it: as written first."""
    name = next((model.removesuffix(suffix) for suffix in SUFFIXES if model.endswith(suffix)), model)
    return model, name, f"{name}-preview", f"openai/{name}"


@cache
def _shipped() -> Prices:
    table = json.loads(TABLE.read_bytes())
    return Prices(table["models"], table["date"])


_EXAMPLE = '{"models": {"vendor/model": [0.5, 3]}}'


def _read(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_bytes())
    except OSError as fault:
        raise UsageError(f"{path} cannot be read: {fault.strerror}", hint=f"a file of prices is {_EXAMPLE}") from fault
    except (ValueError, RecursionError) as fault:
        raise UsageError(f"{path}: not JSON: {fault}", hint=f"a file of prices is {_EXAMPLE}") from fault
    if not isinstance(table, dict) or not isinstance(table.get("models"), dict):
        raise UsageError(f"{path}: holds no prices", hint=f"a file of prices is {_EXAMPLE}")
    return table


def _is_price(entry: object) -> bool:
    """A list of finite numbers of 0 or more, as many as the table's format has."""
    if not isinstance(entry, list) or not (len(entry) == 2 or len(entry) % 4 == 3):
        return False
    return all(type(n) in (int, float) and math.isfinite(n) and n >= 0 for n in entry)


def _rates(entry: Sequence[float]) -> Rates:
    match entry:
        case [fresh, output]:
            return Rates(input=fresh, output=output, cached=fresh)
        case [fresh, output, cached]:
            return Rates(input=fresh, output=output, cached=cached)
        case [fresh, output, cached, above, *rest]:
            return Rates(input=fresh, output=output, cached=cached, above=int(above), long=_rates(rest))
    raise ValueError(f"not a price: {entry!r}")
