"""The table of grading protocols. A new one is one file that exports PROTOCOL, and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from fusion_graph.evals.protocols import exact, openrouter, paper
from fusion_graph.evals.protocols.protocol import Protocol

PROTOCOLS: Mapping[str, Protocol] = {found.PROTOCOL.name: found.PROTOCOL for found in (paper, openrouter, exact)}
