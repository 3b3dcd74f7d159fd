"""How much the models of an agent's brain read, in tokens: what the operator says of them, else what their backend
says, else what the shipped table says. The smallest one counts, as the whole conversation goes to each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fusion_graph.engine.windows import shipped_window
from fusion_graph.facts import facts_of, read_facts

if TYPE_CHECKING:
    from fusion_graph.contracts import Backend
    from fusion_graph.graph.bound import Bound
    from fusion_graph.pipeline import ModelRef
    from fusion_graph.settings import Settings
    from fusion_graph.wiring.backends import Selection

ASK_S = 3.0
LOCAL = 8192  # the embedded model, unless its options say otherwise
MOST = 200_000  # of a larger window no more is used: each step sends everything, and costs what it is long
UNKNOWN = 100_000


async def room_in(bound: Bound, selection: Selection, settings: Settings) -> int:
    """Tokens, by estimate, that a conversation may have. A quarter of the window is left to the reply, and to what the
    estimate does not see."""
    facts = read_facts(settings.server.get("facts", {}))
    said = {ref: facts_of(facts, ref).context_length for ref in bound.models}
    unsaid = {ref: _backend(ref, selection) for ref, length in said.items() if length is None}
    told = await _told({b.name: b for b in unsaid.values() if b is not None and b.provider == "openai"})
    for ref, backend in unsaid.items():
        said[ref] = _length(ref, backend, told)
    known = [length for length in said.values() if length is not None]
    return min(MOST, min(known) * 3 // 4) if known else UNKNOWN


def _backend(ref: ModelRef, selection: Selection) -> Backend | None:
    return selection.backends.get(ref.backend or selection.default)


def _length(ref: ModelRef, backend: Backend | None, told: Mapping[str, Mapping[str, int]]) -> int | None:
    if backend is None or backend.provider == "sim":
        return None
    if backend.provider == "local":
        return int(backend.options.get("context", LOCAL))
    return told[backend.name].get(ref.slug) or shipped_window(ref.slug)


async def _told(backends: Mapping[str, Backend]) -> dict[str, Mapping[str, int]]:
    """What each backend says of its models; nothing if it does not answer at once."""
    if not backends:
        return {}
    from fusion_graph.providers._reach import reach

    async with asyncio.TaskGroup() as group:
        asked = {name: group.create_task(reach(backend, ASK_S)) for name, backend in backends.items()}
    return {name: task.result().lengths for name, task in asked.items()}
