"""Reading a pipeline: bytes to a Pipeline, or everything that is wrong with them, in one pass and in document order.

`read` never raises for what stands in a file; `load` does. A panel-form file is rewritten first, so all else knows
graphs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from fusion_graph.contracts import Kind
from fusion_graph.errors import Diagnostic, PipelineError
from fusion_graph.graph import panel
from fusion_graph.graph.diagnostics import Findings
from fusion_graph.graph.documents import Document, parse
from fusion_graph.graph.reading.credentials import holds_a_key, like_a_key
from fusion_graph.graph.reading.form import read_graph
from fusion_graph.graph.reading.validation import Checker
from fusion_graph.graph.schema import PANEL_TOP, TESTS_TOP
from fusion_graph.graph.yaml.places import Path
from fusion_graph.pipeline import Pipeline

if TYPE_CHECKING:
    from fusion_graph.graph.pipeline_tests import PipelineTest

UNREADABLE = frozenset(("FG101", "FG102", "FG103"))
"""Faults of the text after which nothing more can be said."""


class Reading(NamedTuple):
    """A pipeline if there are no errors, and all findings in document order, warnings too."""

    pipeline: Pipeline | None
    diagnostics: tuple[Diagnostic, ...]
    tests: tuple[PipelineTest, ...] = ()


def read(source: bytes, *, file: str, kinds: Mapping[str, Kind]) -> Reading:
    """Read a pipeline file of either form. Never raises for what stands in it."""
    document, faults = parse(source)
    findings = Findings(document, file, faults)
    if any(fault.code in UNREADABLE for fault in faults):
        return Reading(None, findings.ordered())
    return _read(document, findings, file, kinds)


def load(source: bytes, *, file: str, kinds: Mapping[str, Kind]) -> Pipeline:
    """Read a pipeline file; raises PipelineError with every error in it."""
    return _demand(read(source, file=file, kinds=kinds))


def load_tests(source: bytes, *, file: str, pipeline: Pipeline, kinds: Mapping[str, Kind]) -> tuple[PipelineTest, ...]:
    """Read a file of tests that stands beside a pipeline; raises PipelineError with every error in it."""
    document, faults = parse(source)
    findings = Findings(document, file, faults)
    tests: tuple[PipelineTest, ...] = ()
    if not any(fault.code in UNREADABLE for fault in faults):
        _check_secrets(document.data, findings)
        for problem in _tests_checker().problems(document.data):
            findings.problem(problem)
        if not findings.failed:
            tests = _read_tests(document.data["tests"], pipeline, findings, kinds)
    if findings.failed:
        raise PipelineError(findings.ordered())
    return tests


def _read_tests(
    raw: Any, pipeline: Pipeline, findings: Findings, kinds: Mapping[str, Kind]
) -> tuple[PipelineTest, ...]:
    from fusion_graph.graph.reading.pipeline_tests import read_tests  # few files hold any

    return read_tests(raw, pipeline, findings, kinds)


@cache
def _tests_checker() -> Checker:
    return Checker(TESTS_TOP)


def read_mapping(mapping: Mapping[str, Any], *, name: str = "<pipeline>", kinds: Mapping[str, Kind]) -> Reading:
    """Read a pipeline that is already a document: the same checks, without places."""
    try:
        data = json.loads(json.dumps(mapping, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as exc:
        message = f"the document holds what JSON does not: {exc}"[:300]
        return Reading(None, (Diagnostic(code="FG106", message=message, file=name),))
    document = Document(data=data)
    return _read(document, Findings(document, name), name, kinds)


def load_mapping(mapping: Mapping[str, Any], *, name: str = "<pipeline>", kinds: Mapping[str, Kind]) -> Pipeline:
    """Read a document; raises PipelineError with every error in it."""
    return _demand(read_mapping(mapping, name=name, kinds=kinds))


def graph_form(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The graph form of a valid document, which is the document itself unless it is a panel."""
    return panel.to_graph(data) if "panel" in data else data


def _demand(reading: Reading) -> Pipeline:
    if reading.pipeline is None:
        raise PipelineError([d for d in reading.diagnostics if d.severity == "error"])
    return reading.pipeline


def _read(document: Document, findings: Findings, file: str, kinds: Mapping[str, Kind]) -> Reading:
    data = document.data
    _check_secrets(data, findings)
    form = _form(data, findings)
    pipeline = None
    if form == "panel":
        pipeline = _panel_pipeline(data, findings, file, kinds)
    elif form == "graph":
        pipeline = read_graph(data, findings, file, kinds)
    raw = data.get("tests") if pipeline is not None and not findings.failed else None
    tests = _read_tests(raw, pipeline, findings, kinds) if raw and pipeline is not None else ()
    return Reading(None if findings.failed else pipeline, findings.ordered(), tests)


def _form(data: Any, findings: Findings) -> str:
    if not isinstance(data, Mapping):
        findings.error("FG110", (), "a pipeline is a map with `nodes` (graph form) or `panel` (panel form)")
        return ""
    if ("nodes" in data) != ("panel" in data):
        return "graph" if "nodes" in data else "panel"
    if "nodes" in data:
        findings.error(
            "FG110", ("panel",), "`nodes` and `panel` stand in one file", "keep one of the two forms", key=True
        )
    else:
        findings.error("FG110", (), "neither `nodes` (graph form) nor `panel` (panel form) is there")
    return ""


@cache
def _panel_checker() -> Checker:
    return Checker(PANEL_TOP)


def _panel_pipeline(
    data: Mapping[str, Any], findings: Findings, file: str, kinds: Mapping[str, Kind]
) -> Pipeline | None:
    for problem in _panel_checker().problems(data):
        findings.problem(problem)
    if findings.failed:
        return None
    for path in panel.inert_tools(data):
        findings.warn("FG118", path, "`tools` has no effect while `tools_enabled` is false", key=True)
    findings.relocate = panel.origin
    pipeline = read_graph(panel.to_graph(data), findings, file, kinds)
    return replace(pipeline, panel_form=True) if pipeline else None


def _check_secrets(data: Any, findings: Findings) -> None:
    for path, text in _texts(data, ()):
        named = path and isinstance(path[-1], str) and holds_a_key(path[-1])
        if like_a_key(text) or (named and text and not text.startswith("$")):
            hint = "set FUSION_API_KEY in the environment, and replace the key that stood here"
            findings.error("FG107", path, "this looks like a secret", hint)


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text in a document, keys included."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield path, key
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _texts(item, (*path, i))
