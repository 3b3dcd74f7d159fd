"""Published schemas: whole, loadable, and of one mind with the reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fusion_graph.graph.documents import parse
from fusion_graph.graph.panel import to_graph
from fusion_graph.graph.schema import graph_document, node_properties, node_schema, panel_document, takes_calls
from fusion_graph.kinds import KINDS
from scripts.build_schemas import files
from tests.graph.test_reader import DESIGN
from tests.graph.written import graph

ROOT = Path(__file__).parents[2]
GRAPH = Draft202012Validator(graph_document(KINDS))
PANEL = Draft202012Validator(panel_document())


@pytest.mark.parametrize("name", files())
def test_published_schemas_are_fresh(name: str) -> None:
    """design 4: JSON Schemas, made from the kinds, drift-tested (`make schemas` mends it)"""
    assert (ROOT / "schemas" / name).read_text("utf-8") == files()[name]


def test_published_schemas_are_schemas() -> None:
    for text in files().values():
        Draft202012Validator.check_schema(json.loads(text))


@pytest.mark.parametrize(
    "document",
    [
        parse(DESIGN.encode())[0].data,
        to_graph({"name": "x", "panel": ["m/a", {"model": "m/b", "temperature": 0.1}]}),
        parse(graph("a: {kind: proposer, model: $m, temperature: $t, timeout: {total_s: $t}}").encode())[0].data,
    ],
)
def test_good_files_fit_for_editors_too(document: Any) -> None:
    assert [e.message for e in GRAPH.iter_errors(document)] == []


@pytest.mark.parametrize(
    "node",
    [
        "{kind: judge, model: m/m, temprature: 1}",
        "{kind: judge, model: m/m, temperature: 9}",
        "{kind: juge}",
        "{model: m/m}",
        "{kind: synth, inputs: [a]}",
        "{kind: fallback, inputs: [A]}",
        "{kind: fallback, when: {a: {above: 1}}}",
        "{kind: layer, models: [{model: m/m, typo: 1}]}",
        "{kind: judge, model: m/m, mode: $mode}",
    ],
)
def test_bad_nodes_are_seen_by_editors(node: str) -> None:
    assert list(GRAPH.iter_errors(parse(graph(f"a: {node}").encode())[0].data))


def test_panel_files_fit_their_schema() -> None:
    assert not list(PANEL.iter_errors({"name": "x", "panel": ["m/a"], "quorum": "all", "x-note": 1}))
    assert list(PANEL.iter_errors({"name": "x", "panel": ["m/a"], "quorum": "most"}))


def test_kinds_take_what_they_declare() -> None:
    """design 2: common, model calls, groups, how drafts are shown"""
    takes = {name: set(node_properties(kind)) for name, kind in KINDS.items()}
    assert all({"kind", "inputs", "after", "when", "description"} <= keys for keys in takes.values())
    assert {name for name, keys in takes.items() if "temperature" in keys} >= {"proposer", "layer", "judge", "synth"}
    assert "temperature" not in takes["fallback"]
    assert {name for name, keys in takes.items() if "quorum" in keys} == {"layer", "sample"}
    assert {name for name, keys in takes.items() if "present" in keys} >= {"judge", "synth", "refine", "proposer"}
    assert "model" not in takes["layer"]


def test_kind_without_calls_takes_no_call_options() -> None:
    assert not takes_calls(KINDS["fallback"])
    assert takes_calls(KINDS["judge"])
    assert node_schema(KINDS["proposer"])["required"] == ["kind", "model"]


def test_no_schema_uses_one_of() -> None:
    """dependencies 3: choose by kind, never `oneOf`"""
    assert all('"oneOf"' not in text for text in files().values())
