"""`fusiongraph models`: the models of the presets with their prices, and the backends there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fusion_graph.commands import _options

if TYPE_CHECKING:
    from collections.abc import Callable

    from fusion_graph.engine.pricing import Rates
    from fusion_graph.wiring.backends import Selection


@click.command("models", short_help="the models of the presets, their prices, and the backends")
@_options.as_json
@_options.prices
def COMMAND(as_json: bool, prices: str | None) -> int:
    """List the models that the presets name, with their prices in US dollars per million tokens, and the backends."""
    import json

    from fusion_graph import settings
    from fusion_graph.commands import _console, _interrupt
    from fusion_graph.wiring import backends, engines

    setup, table = settings.load(), engines.prices(prices)
    selection = _interrupt.run(backends.select(setup))
    listed, places = _models(engines.rates(setup, table)), _backends(selection)
    if as_json:
        _console.out(json.dumps({"models": listed, "prices_date": table.date, "backends": places}, indent=2))
    else:
        _console.out(_text(listed, places, table.date))
    return 0


def _models(rates: Callable[[str], Rates | None]) -> list[dict[str, Any]]:
    """Every model of a preset at its defaults, once."""
    from fusion_graph.wiring import pipelines

    users: dict[str, list[str]] = {}
    for name in pipelines.presets():
        for model in pipelines.models_of(pipelines.load(name)):
            users.setdefault(model, []).append(name)
    found = []
    for model, presets in sorted(users.items()):
        known = rates(model)
        found.append(
            {
                "model": model,
                "input_usd_per_mtok": known.input if known else None,
                "output_usd_per_mtok": known.output if known else None,
                "presets": presets,
            }
        )
    return found


def _backends(selection: Selection) -> list[dict[str, Any]]:
    return [
        {
            "backend": name,
            "provider": backend.provider,
            "base_url": backend.base_url or None,
            "key": bool(backend.api_key),
            "missing_key": selection.missing_keys.get(name),
            "in_use": name == selection.default,
            "why": selection.why if name == selection.default else "",
        }
        for name, backend in selection.backends.items()
    ]


def _text(models: list[dict[str, Any]], backends: list[dict[str, Any]], date: str) -> str:
    from fusion_graph.commands import _console
    from fusion_graph.commands._columns import columns, fill

    priced = [("model", "input", "output", "presets")]
    priced += [
        (m["model"], _price(m["input_usd_per_mtok"]), _price(m["output_usd_per_mtok"]), _short(m["presets"]))
        for m in models
    ]
    reached = [("backend", "address", "key", "")]
    for b in backends:
        key = "missing" if b["missing_key"] else "set" if b["key"] else "none"
        reached.append(
            (b["backend"], b["base_url"] or f"({b['provider']})", key, f"in use: {b['why']}" if b["in_use"] else "")
        )
    return "\n".join(
        [
            columns(priced, right=frozenset({1, 2}), width=_console.width()),
            fill(f"in US dollars per million tokens, prices of {date}; ? is unknown", _console.width()),
            "",
            columns(reached, width=_console.width()),
        ]
    )


def _price(price: float | None) -> str:
    return "?" if price is None else f"{price:.2f}"


def _short(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
