"""What a request says of who sends it: for the writer's backend if the pipeline says `forward`, else named as ignored.
Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.server._wires import fields

SENDER = (
    "user", "safety_identifier", "metadata", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options",
    "service_tier",
)  # fmt: skip
OBJECTS = frozenset({"metadata", "prompt_cache_options"})


def read_sender(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Passed on or named later, when it is known which pipeline is asked."""
    found: dict[str, Any] = {}
    for name in SENDER:
        value = body.get(name)
        if value is None:
            continue
        if name in OBJECTS:
            fields.mapping(value, name, most=64)
        else:
            fields.text(value, name, most=512)
        found[name] = value
    return found
