"""The table of node kinds. One kind, one file that exports KIND, one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fusion_graph.contracts import Kind
from fusion_graph.kinds import fallback, judge, layer, proposer, refine, sample, synth

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            proposer.KIND,
            layer.KIND,
            sample.KIND,
            judge.KIND,
            synth.KIND,
            refine.KIND,
            fallback.KIND,
        )
    }
)
