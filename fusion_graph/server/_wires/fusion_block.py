"""The `fusion` block of a request (wire contract 1.9), the same on every wire: the server's own keys; the rest belongs
to the pipeline. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.server._wires import fields

INCLUDES = ("responses", "analysis", "nodes", "progress")
OWN = frozenset({"include", "events", "enabled"})
"""Keys of the block that are the server's and not the pipeline's."""


def read_block(body: Mapping[str, Any]) -> dict[str, Any]:
    """`block`, `include` and `solo` of what is asked."""
    block = fields.mapping(fields.given(body, "fusion", {}), "fusion", most=64)
    return {
        "block": {key: value for key, value in block.items() if key not in OWN},
        "include": _include(block),
        "solo": block.get("enabled") is not None and not fields.boolean(block["enabled"], "fusion.enabled"),
    }


def _include(block: Mapping[str, Any]) -> frozenset[str]:
    wanted = fields.array(fields.given(block, "include", []), "fusion.include", most=len(INCLUDES))
    found = {fields.choice(name, f"fusion.include[{i}]", INCLUDES) for i, name in enumerate(wanted)}
    if block.get("events") is not None and fields.boolean(block["events"], "fusion.events"):
        found.add("progress")
    return frozenset(found)
