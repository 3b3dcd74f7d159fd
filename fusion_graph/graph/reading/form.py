"""The graph form: a document of `nodes` to a Pipeline. Every stage reports what it finds and goes on with what can be
used."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from fusion_graph.contracts import Kind
from fusion_graph.graph.checks.everything import check
from fusion_graph.graph.diagnostics import Findings
from fusion_graph.graph.fragments import ID, REF
from fusion_graph.graph.reading.nodes import NodeReader
from fusion_graph.graph.reading.params import Params, fill
from fusion_graph.graph.reading.references import resolve
from fusion_graph.graph.reading.validation import Checker
from fusion_graph.graph.schema import GRAPH_TOP
from fusion_graph.graph.streaming import check_streaming
from fusion_graph.graph.yaml.places import Problem
from fusion_graph.pipeline import NodeId, Pipeline

_BOUND = ("limits", "seed", "defaults")
"""Sections at the top whose values may be parameters."""


def read_graph(data: Mapping[str, Any], findings: Findings, file: str, kinds: Mapping[str, Kind]) -> Pipeline | None:
    """The pipeline of a graph-form document. With errors in the findings the result is of no use."""
    params = Params(data.get("params"), findings)
    top = {**data, **{key: params.take(data[key], (key,)) for key in _BOUND if key in data}}
    bad = _check_top(top, params, findings)
    limits, defaults = _section(top, "limits", bad), _section(top, "defaults", bad)
    nodes = data["nodes"] if isinstance(data.get("nodes"), Mapping) else {}
    reader = NodeReader(kinds, params, defaults, findings)
    sketches = {
        name: reader.read(name, raw)
        for name, raw in nodes.items()
        if isinstance(raw, Mapping) and re.fullmatch(ID, name)
    }
    if "params" in nodes:
        message = "`params` is no id for a node: `params.x` in a `when` is a parameter"
        findings.error("FG114", ("nodes", "params"), message, "choose another name", key=True)
    output = data.get("output")
    named = isinstance(output, str) and re.fullmatch(REF, output)
    graph = resolve(sketches, kinds, params.defaults, str(output) if named else "", findings)
    check(graph, params, limits, defaults, findings)
    source = canonical({key: value for key, value in data.items() if key != "tests"})
    pipeline = Pipeline(
        name=str(data.get("name", "")),
        description=str(data.get("description", "")),
        params=params.settle(),
        limits=limits,
        seed=top.get("seed"),
        on_tool_turn="full" if data.get("on_tool_turn") == "full" else "writer_only",
        on_forced_tool="writer_only" if data.get("on_forced_tool") == "writer_only" else "full",
        convene="auto" if data.get("convene") == "auto" else "always",
        forward=data.get("forward") is True,
        nodes=tuple(graph.specs.values()),
        output=NodeId(graph.output),
        source=source,
        digest=digest(source),
        file=file,
    )
    if not findings.failed:
        check_streaming(pipeline, kinds, findings)
    return pipeline


def canonical(data: Any) -> str:
    """A document as JSON, whatever file it was written in: order counts, layout and comments do not."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def digest(source: str) -> str:
    """sha256 of a document."""
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


@cache
def _checker() -> Checker:
    return Checker(GRAPH_TOP)


def _check_top(top: Mapping[str, Any], params: Params, findings: Findings) -> set[tuple[str | int, ...]]:
    """Report what is wrong outside of the nodes; gives the places that cannot be used."""
    bad = set()
    for problem in _checker().problems(fill(dict(top), params.defaults)):
        findings.problem(_renamed(problem, params))
        bad.add(problem.path[:2])
    return bad


def _renamed(problem: Problem, params: Params) -> Problem:
    if problem.code == "FG112" and problem.message.endswith("`output`"):
        return problem._replace(code="FG303", hint="name the node whose value is the answer")
    return params.blame(problem)


def _section(top: Mapping[str, Any], name: str, bad: set[tuple[str | int, ...]]) -> dict[str, Any]:
    """A map at the top, without the entries that cannot be used."""
    section = top.get(name)
    if not isinstance(section, Mapping):
        return {}
    return {k: v for k, v in section.items() if (name, k) not in bad and not k.startswith("x-")}
