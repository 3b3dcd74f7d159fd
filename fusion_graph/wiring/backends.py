"""Backends by name: which of them answers a model, and what is called in the place of a model that it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fusion_graph.errors import UsageError
from fusion_graph.pipeline import ModelRef, Node

if TYPE_CHECKING:
    from fusion_graph.contracts import Backend
    from fusion_graph.graph.bound import Bound
    from fusion_graph.settings import Settings

SIMULATED = "sim"  # the provider whose answers are made up


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The backends there are, which one answers models without `@backend`, and why that one. `listed`: the models of a
    server that nobody named and that was found running."""

    backends: Mapping[str, Backend]
    default: str
    why: str
    missing_keys: Mapping[str, str]
    models: Mapping[str, str]
    listed: tuple[str, ...] = ()

    def uses(self, bound: Bound) -> tuple[str, ...]:
        """The backends a pipeline calls, in file order."""
        return tuple(dict.fromkeys(ref.backend or self.default for ref in bound.models))


async def select(settings: Settings) -> Selection:
    """What the settings say; else a local server that answers now; else the embedded model; else simulated models."""
    backends, name, why = dict(settings.backends), settings.default_backend, settings.why
    listed: tuple[str, ...] = ()
    if not name:
        found, why, listed = await _at_hand(settings)
        backends[found.name], name = found, found.name
    return Selection(
        backends=backends,
        default=name,
        why=why,
        missing_keys=settings.missing_keys,
        models=settings.models,
        listed=listed,
    )


async def _at_hand(settings: Settings) -> tuple[Backend, str, tuple[str, ...]]:
    """Nothing is set: what this machine has."""
    from fusion_graph.contracts import Backend
    from fusion_graph.providers import local
    from fusion_graph.providers._detect import find_local_servers, list_models

    for server in await find_local_servers():
        listed = await list_models(server)
        if listed:
            name = f"found-{server.name}" if server.name in settings.backends else server.name
            found = Backend(name=name, base_url=server.base_url, free=True)
            return found, f"it runs at {server.base_url}", listed
    if not local.available():
        return settings.backends["local"], "no key and no local server found", ()
    return settings.backends["sim"], "no key, local server or embedded model found", ()


def fit_models(bound: Bound, selection: Selection) -> tuple[Bound, dict[str, str]]:
    """The pipeline with the models that are really called, and what changed: `[models]` of the settings; and on a
    server that was found running, its own models, in turn, for those it does not have."""
    names: dict[str, str] = {}
    turn = 0
    for ref in bound.models:
        other = selection.models.get(str(ref)) or selection.models.get(ref.slug)
        if not other and not ref.backend and selection.listed and ref.slug not in selection.listed:
            other = selection.listed[turn % len(selection.listed)]
            turn += 1
        if other:
            names[str(ref)] = other
    return (_rename(bound, names) if names else bound), names


def _rename(bound: Bound, names: Mapping[str, str]) -> Bound:
    """Ids and edges stay; only what is called changes."""

    def renamed(ref: ModelRef) -> ModelRef:
        return ModelRef.parse(names[str(ref)]) if str(ref) in names else ref

    def changed(node: Node) -> Node:
        if node.model is None:
            return node
        alternates = tuple(renamed(ref) for ref in node.model.alternates)
        return replace(node, model=replace(node.model, model=renamed(node.model.model), alternates=alternates))

    return replace(bound, nodes=tuple(changed(node) for node in bound.nodes))


def require_keys(bound: Bound, selection: Selection) -> None:
    """Refuse a pipeline whose backend names a key that is not set. Raises UsageError."""
    for name in selection.uses(bound):
        variable = selection.missing_keys.get(name)
        if variable:
            raise UsageError(
                f"{bound.pipeline.name} calls backend {name!r}, which needs a key: {variable} is not set",
                hint="set it, or FUSION_BACKEND=sim for simulated models",
            )
