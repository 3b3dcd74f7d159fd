"""What few runs have to remember."""

from __future__ import annotations

from fusion_graph.graph.choosing import Choosing
from tests.graph.walk import Walk

PANEL = """
panel: {kind: layer, models: [m/a, m/b, m/c], quorum: 2, grace_s: 5}
out: {kind: synth, model: m/w, inputs: [panel]}
"""


def test_nothing_is_remembered_at_first() -> None:
    fresh = Choosing()
    assert not any((fresh.late, fresh.spared, fresh.armed, fresh.begun, fresh.candidates, fresh.committed))


def test_only_a_join_that_leaves_somebody_behind_has_late_members() -> None:
    walk = Walk(PANEL)
    assert walk.late("panel") == []
    walk.finish("panel/a")
    walk.finish("panel/b")
    walk.fire("grace", "panel")
    assert walk.late("panel") == ["panel/c"]
    assert not walk.progress.spares
