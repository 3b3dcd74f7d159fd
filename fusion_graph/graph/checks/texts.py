"""Texts in a file that are programs of a kind: regular expressions and JSON Schemas must compile, and are plain text
in the file, so that no caller's value ever reaches a compiler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fusion_graph.graph.diagnostics import Findings
from fusion_graph.graph.reading.nodes import Sketch
from fusion_graph.graph.reading.params import fill
from fusion_graph.graph.reading.validation import regex_problem, schema_problem
from fusion_graph.graph.yaml.places import Path


def check_texts(
    sketches: Mapping[str, Sketch], defaults: Mapping[str, Any], params: Mapping[str, Any], findings: Findings
) -> None:
    """Report every `match`, `regex` and `schema` that cannot be used."""
    _check(defaults, ("defaults",), findings)
    for sketch in sketches.values():
        for path, options in _option_sets(sketch, params):
            _check(options, path, findings)


def _option_sets(sketch: Sketch, params: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The node's own options, and those of its members, which may come out of a parameter."""
    yield sketch.path, sketch.written
    models = fill(sketch.written.get("models"), params)
    for i, member in enumerate(models if isinstance(models, list) else ()):
        if isinstance(member, Mapping):
            yield (*sketch.path, "models", i), member


def _check(options: Mapping[str, Any], path: Path, findings: Findings) -> None:
    for group, key, problem in (
        ("usable", "match", regex_problem),
        ("usable", "schema", schema_problem),
        ("extract", "regex", regex_problem),
    ):
        value = options.get(group)
        if isinstance(value, Mapping) and isinstance(value.get(key), str | Mapping):
            wrong = problem(value[key])
            if wrong:
                findings.error("FG114", (*path, group, key), f"`{key}` is {wrong}")
