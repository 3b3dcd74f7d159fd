"""What the operator says of models: how much they read and write, and what beside text. `[server.facts."a/x"]` of the
settings. Of a model without facts nothing is claimed, and nothing is refused on its behalf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fusion_graph.errors import UsageError

if TYPE_CHECKING:
    from fusion_graph.pipeline import ModelRef

READS: Mapping[str, str] = {"image_url": "image", "input_audio": "audio", "file": "file"}
"""Types of content parts, and what a model must read to take them."""
INPUTS = ("text", *READS.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """None = not said. Lengths in tokens."""

    context_length: int | None = None
    max_completion_tokens: int | None = None
    input: tuple[str, ...] | None = None


def read_facts(table: Any) -> Mapping[str, Facts]:
    """Raises UsageError that names model and key."""
    if not isinstance(table, dict):
        raise UsageError("[server]: facts must be a table", hint='[server.facts."a/x"] context_length = 200000')
    return {model: _one(entry, f'[server.facts."{model}"]') for model, entry in table.items()}


def _one(entry: Any, where: str) -> Facts:
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: must be a table", hint="context_length = 200000")
    for name, value in entry.items():
        if name not in Facts.__dataclass_fields__:
            raise UsageError(f"{where}: there is no key {name}", hint=f"known: {', '.join(Facts.__dataclass_fields__)}")
        if name == "input":
            if not isinstance(value, list) or not set(map(str, value)) <= set(INPUTS):
                raise UsageError(f"{where}: input cannot be {value!r}", hint=f"a list of: {', '.join(INPUTS)}")
        elif type(value) is not int or value < 1:
            raise UsageError(f"{where}: {name} cannot be {value!r}", hint="a number of tokens")
    read = tuple(name for name in INPUTS if name in entry["input"]) if "input" in entry else None
    return Facts(**{**entry, "input": read})


def facts_of(facts: Mapping[str, Facts], model: ModelRef) -> Facts:
    return facts.get(str(model)) or facts.get(model.slug) or Facts()
