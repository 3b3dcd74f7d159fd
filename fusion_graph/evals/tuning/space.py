"""The space file: pipelines, and for each the values of its parameters that are tried. Everything wrong is told with
its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from fusion_graph.errors import Diagnostic, FusionError, PipelineError
from fusion_graph.graph.diagnostics import suggest
from fusion_graph.graph.documents import Document, parse
from fusion_graph.graph.yaml.places import Path, Place
from fusion_graph.pipeline import Pipeline

MOST = 256  # shapes
KEYS = ("pipeline", "params")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One shape: a pipeline and values for some of its parameters."""

    source: str  # as the file names it
    pipeline: Pipeline
    params: Mapping[str, Any]

    @property
    def name(self) -> str:
        told = [f"{name}={_brief(value)}" for name, value in self.params.items()]
        return " ".join([self.pipeline.name, *told])


def read_space(source: bytes, file: str, load: Callable[[str], Pipeline]) -> list[Candidate]:
    """Every combination, in file order. `load` knows files and presets. Raises PipelineError with every mistake."""
    document, faults = parse(source)
    reader = _Reader(document, file, load)
    if faults:
        reader.found += [
            Diagnostic(code=f.code, message=f.message, hint=f.hint, file=file, line=f.place.line, col=f.place.col)
            for f in faults
        ]
    else:
        reader.read()
    if reader.found:
        raise PipelineError(reader.found)
    return reader.candidates


class _Reader:
    """One reading of one file."""

    def __init__(self, document: Document, file: str, load: Callable[[str], Pipeline]) -> None:
        self._document = document
        self._file = file
        self._load = load
        self.found: list[Diagnostic] = []
        self.candidates: list[Candidate] = []

    def read(self) -> None:
        data = self._document.data
        shapes = data.get("shapes") if isinstance(data, Mapping) else None
        if not isinstance(shapes, list) or not shapes:
            self._add("FG606", (), "a space is a map with `shapes`", "shapes: [{pipeline: budget, params: {...}}]")
            return
        for number, shape in enumerate(shapes):
            self._shape(shape, ("shapes", number))
        if len(self.candidates) > MOST:
            self._add("FG606", ("shapes",), f"{len(self.candidates)} shapes are more than {MOST}", "try fewer values")

    def _shape(self, shape: Any, path: Path) -> None:
        if not isinstance(shape, Mapping) or not isinstance(shape.get("pipeline"), str):
            self._add("FG112", path, "a shape needs a pipeline", "{pipeline: budget, params: {refine: [false, true]}}")
            return
        for key in shape:
            if key not in KEYS:
                self._add("FG111", (*path, key), f"unknown key {key!r}", suggest(key, KEYS))
        try:
            pipeline = self._load(shape["pipeline"])
        except FusionError as fault:
            self._add("FG606", (*path, "pipeline"), fault.message.split("\n")[0], fault.hint)
            return
        values = shape.get("params", {})
        if not isinstance(values, Mapping):
            self._add("FG113", (*path, "params"), "`params` is a map of lists")
            return
        if self._fits(values, pipeline, (*path, "params")):
            for combination in product(*values.values()):
                params = dict(zip(values, combination, strict=True))
                self.candidates.append(Candidate(source=shape["pipeline"], pipeline=pipeline, params=params))

    def _fits(self, values: Mapping[str, Any], pipeline: Pipeline, path: Path) -> bool:
        before = len(self.found)
        for name, tried in values.items():
            if name not in pipeline.params:
                hint = suggest(name, pipeline.params)
                self._add("FG203", (*path, name), f"{pipeline.name} has no parameter {name!r}", hint)
            elif not isinstance(tried, list) or not tried:
                self._add("FG113", (*path, name), f"{name}: a list of the values to try", f"{name}: [..., ...]")
        if len(self.found) == before and prod(len(tried) for tried in values.values()) > MOST:
            self._add("FG606", path, f"more than {MOST} combinations", "try fewer values")
        return len(self.found) == before

    def _add(self, code: str, path: Path, message: str, hint: str = "") -> None:
        line, col = self._document.place(path) or Place(1, 1)
        self.found.append(Diagnostic(code=code, message=message, hint=hint, file=self._file, line=line, col=col))


def _brief(value: Any) -> str:
    if isinstance(value, list):
        return "+".join(_brief(item) for item in value)
    if isinstance(value, Mapping):
        return _brief(value.get("model", "..."))
    return str(value).lower() if isinstance(value, bool) else str(value).rpartition("/")[2]
