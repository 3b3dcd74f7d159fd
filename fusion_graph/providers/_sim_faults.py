"""Faults on demand: a model named `sim/fault-<name>` fails so. One table for the sim in process and over HTTP."""

from __future__ import annotations

from fusion_graph.errors import ProviderError
from fusion_graph.providers._faults import error_of_status

PREFIX = "sim/fault-"


def fault_steps(model: str) -> tuple[ProviderError, ...] | None:
    """What the openai provider would report for this fault; None if the name asks for none."""
    name = model.removeprefix(PREFIX)
    if name == model:
        return None
    return (error_of_status(int(name)),)
