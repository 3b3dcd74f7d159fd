"""The `fusion` block is read the same on every wire."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.server._errors import Refused
from fusion_graph.server._wires.fusion_block import read_block


@pytest.mark.parametrize(
    ("block", "wanted"),
    [
        (None, {"block": {}, "include": frozenset(), "solo": False}),
        ({"judge": "j/j"}, {"block": {"judge": "j/j"}, "include": frozenset(), "solo": False}),
        ({"enabled": False}, {"block": {}, "include": frozenset(), "solo": True}),
        (
            {"include": ["analysis"], "events": True, "enabled": True},
            {"block": {}, "include": frozenset({"analysis", "progress"}), "solo": False},
        ),
    ],
)
def test_own_keys_are_told_from_the_pipelines(block: Any, wanted: dict[str, Any]) -> None:
    assert read_block({"fusion": block}) == wanted


@pytest.mark.parametrize(
    ("path", "block"),
    [
        ("fusion", []),
        ("fusion.include", {"include": "analysis"}),
        ("fusion.include[1]", {"include": ["analysis", "keys"]}),
        ("fusion.events", {"events": 1}),
        ("fusion.enabled", {"enabled": "no"}),
    ],
)
def test_mistake_is_named_with_its_path(path: str, block: Any) -> None:
    with pytest.raises(Refused) as refused:
        read_block({"fusion": block})
    assert refused.value.param == path
