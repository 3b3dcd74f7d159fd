"""What is served: every pipeline under its name, the default one as `fusion`, and the models of all panels alone.

Built whole, then swapped in: a reload that finds a broken file keeps that file's last good pipeline and says so.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from fusion_graph.errors import PipelineError, UsageError
from fusion_graph.graph import reader
from fusion_graph.graph.binding import Blueprint
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.forecast.estimate import Estimate, Rates, estimate
from fusion_graph.graph.overrides import resolve_params
from fusion_graph.kinds import KINDS
from fusion_graph.pipeline import Limits, Pipeline

DEFAULT = "fusion"
SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,127}")
"""A model that a request may name: data, never an address."""


class Source(NamedTuple):
    """One file to serve; `name` "" = as the file itself says."""

    file: str
    read: Callable[[], bytes]
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the settings add to a pipeline. `fit` gives it the models that are really called; `missing` says why it
    cannot run ("" if it can); `rates` are prices of a model, None if nobody knows; `deadline_s` is what no run may
    pass, whatever its pipeline says."""

    fit: Callable[[Bound], Bound] = lambda bound: bound
    missing: Callable[[Bound], str] = lambda _bound: ""
    rates: Callable[[str], Rates | None] = lambda _model: None
    deadline_s: float | None = None

    def within(self, limits: Limits) -> Limits:
        """The same limits, never past the deadline."""
        most = self.deadline_s
        if most is None or (limits.deadline_s is not None and limits.deadline_s <= most):
            return limits
        return replace(limits, deadline_s=most, reserve_s=min(limits.reserve_s, most / 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One model name. `bound` is the graph at the file's own parameter values, `forecast` what it may take, `limits`
    what it may take here."""

    id: str
    pipeline: Pipeline
    bound: Bound
    forecast: Estimate
    limits: Limits
    missing: str = ""
    solo: bool = False
    around: Surroundings = field(repr=False)
    _blueprint: Blueprint = field(repr=False)

    @classmethod
    def of(cls, name: str, pipeline: Pipeline, around: Surroundings, *, solo: bool = False) -> Served:
        blueprint = Blueprint(pipeline, KINDS)
        bound = around.fit(blueprint.bind())
        return cls(
            id=name,
            pipeline=pipeline,
            bound=bound,
            forecast=estimate(bound, around.rates),
            limits=around.within(bound.limits),
            missing=around.missing(bound),
            solo=solo,
            around=around,
            _blueprint=blueprint,
        )

    def bind(self, params: Mapping[str, Any], allow_model: Callable[[str], bool]) -> Bound:
        """The graph for a request's parameters. Raises UsageError or PipelineError."""
        values = resolve_params(self.pipeline, params, KINDS, allow_model=allow_model)
        return self.around.fit(self._blueprint.bind(values))

    @property
    def models(self) -> tuple[str, ...]:
        """Slugs of every model it may call by itself, in file order."""
        refs = (ref for node in self.bound.nodes if node.model for ref in node.model.models)
        return tuple(dict.fromkeys(ref.slug for ref in refs))

    @property
    def panel(self) -> tuple[str, ...]:
        """The models that draft for it, in file order."""
        return tuple(
            node.model.model.slug
            for node, kind in zip(self.bound.nodes, self.bound.kinds, strict=True)
            if node.model and kind.role == "panel"
        )


class Shelf:
    """All that is served, by name. Immutable."""

    def __init__(self, served: Sequence[Served], aliases: Mapping[str, str], allow: Sequence[str]) -> None:
        self._served = {one.id: one for one in served}
        for alias, name in aliases.items():
            if name not in self._served:
                raise UsageError(
                    f"[server.aliases]: {alias} names {name}, which is not served", hint="correct the name"
                )
        self._aliases = {alias: name for alias, name in aliases.items() if alias not in self._served}
        self._allow = tuple(allow)
        self._known = frozenset(model for one in served for model in one.models)

    def __iter__(self) -> Any:
        return iter(self._served.values())

    def __len__(self) -> int:
        return len(self._served)

    def find(self, name: str) -> Served | None:
        """By exact name: no path is ever made of it."""
        return self._served.get(self._aliases.get(name, name))

    @property
    def aliases(self) -> Mapping[str, str]:
        return self._aliases

    @property
    def pipelines(self) -> tuple[Served, ...]:
        return tuple(one for one in self if not one.solo)

    @staticmethod
    def slug(model: str) -> bool:
        """It has the form of a model's name."""
        return bool(SLUG.fullmatch(model)) and ".." not in model and "//" not in model

    def allows(self, model: str) -> bool:
        """May a request name this model? Those of the pipelines, and what the operator's patterns say."""
        if not self.slug(model):
            return False
        return model in self._known or any(fnmatch.fnmatchcase(model, pattern) for pattern in self._allow)


class Library:
    """The files to serve and the last good pipeline of each."""

    def __init__(self, sources: Callable[[], Sequence[Source]], around: Surroundings, *, panel: bool = True) -> None:
        self._sources = sources
        self._around = around
        self._panel = panel
        self._good: dict[str, Served] = {}

    def load(self, aliases: Mapping[str, str], allow: Sequence[str], *, strict: bool = True) -> tuple[Shelf, list[str]]:
        """A shelf and what was wrong. With `strict` the first broken file raises; else its last good pipeline stays."""
        served: list[Served] = []
        faults: list[str] = []
        for source in self._sources():
            try:
                one = self._read(source)
            except (PipelineError, UsageError) as fault:
                if strict:
                    raise
                told = str(fault) if source.file in str(fault) else f"{source.file}: {fault}"
                kept = self._good.get(source.file)
                faults.append(f"{told}; {'it is not served' if kept is None else 'its last good version stays'}")
                if kept is None:
                    continue
                one = kept
            self._good[source.file] = one
            served.append(one)
        return Shelf([*self._settle(served), *self._solos(served)], aliases, allow), faults

    def _read(self, source: Source) -> Served:
        pipeline = reader.load(source.read(), file=source.file, kinds=KINDS)
        return Served.of(source.name or pipeline.name, pipeline, self._around)

    def _settle(self, served: Sequence[Served]) -> list[Served]:
        """Each name once; a file that is itself called `fusion` takes the place of the built-in default."""
        found: dict[str, Served] = {}
        for one in served:
            if one.id in found and not (one.id == DEFAULT and found[one.id].pipeline.name != DEFAULT):
                raise UsageError(
                    f"two pipelines are called {one.id}: {found[one.id].pipeline.file} and {one.pipeline.file}",
                    hint="rename one",
                )
            found[one.id] = one
        return list(found.values())

    def _solos(self, served: Sequence[Served]) -> list[Served]:
        """Each model of a panel as a pipeline of one node."""
        if not self._panel:
            return []
        taken = {one.id for one in served}
        models = dict.fromkeys(model for one in served for model in one.panel if model not in taken)
        return [Served.of(model, solo(model), self._around, solo=True) for model in models]


def solo(model: str) -> Pipeline:
    """One proposer, nothing else."""
    nodes = {"answer": {"kind": "proposer", "model": model}}
    name = re.sub(r"[^a-z0-9._-]", "-", model.lower()).lstrip("._-")[:64] or "model"
    return reader.load_mapping(
        {"version": 1, "name": name, "nodes": nodes, "output": "answer"}, name=model, kinds=KINDS
    )
