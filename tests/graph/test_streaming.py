"""Warnings about outputs that cannot stream, or answer a tool's result alone (semantics 3)."""

from __future__ import annotations

import pytest

from tests.graph.written import graph, read

PANEL = "panel: {kind: layer, models: [m/a, m/b], extract: last_number}"
SYNTH = "answer: {kind: synth, model: w/w, inputs: [panel]}"


def told(nodes: str, *, top: str = "") -> list[tuple[str, str]]:
    found = read(graph(nodes, top=top)).diagnostics
    assert all(d.severity == "warning" for d in found), found
    return [(d.code, d.pointer) for d in found if d.code in ("FG406", "FG407")]


@pytest.mark.parametrize(
    "option", ["usable: {match: x}", "usable: {complete: true}", "usable: {schema: {type: object}}"]
)
def test_held_writer_warns(option: str) -> None:
    """semantics 3: `plan` prints `live` or `held (why)`; `check` warns"""
    nodes = f"{PANEL}, {SYNTH[:-1]}, {option}}}, final: {{kind: fallback, inputs: [answer, panel]}}"
    assert told(nodes) == [("FG406", "/nodes/answer")]


def test_keep_best_is_held() -> None:
    """semantics 3: refine `keep_best`: held"""
    nodes = (
        f"{PANEL}, {SYNTH}, r: {{kind: refine, model: w/w, keep_best: true, inputs: [answer]}}, final: "
        f"{{kind: fallback, inputs: [r, panel]}}"
    )
    assert told(nodes) == [("FG406", "/nodes/r")]


def test_live_writer_does_not_warn() -> None:
    assert told(f"{PANEL}, {SYNTH}, final: {{kind: fallback, inputs: [answer, panel]}}") == []


def test_draft_that_is_held_does_not_warn() -> None:
    nodes = f"{PANEL[:-1]}, usable: {{match: x}}}}, {SYNTH}, final: {{kind: fallback, inputs: [answer, panel]}}"
    assert told(nodes) == []


@pytest.mark.parametrize("judge", ["mode: vote", "mode: select, model: j/j"])
def test_verbatim_output_warns(judge: str) -> None:
    """semantics 3: no T (vote, select): whole graph, warning at load"""
    nodes = f"{PANEL}, v: {{kind: judge, {judge}, inputs: [panel]}}, final: {{kind: fallback, inputs: [v, panel]}}"
    assert told(nodes) == [("FG407", "/output")]
    assert told(nodes, top="on_tool_turn: full") == []


def test_cap_under_the_calls_warns() -> None:
    """design 2: FG5xx: worst case over budget"""
    nodes = f"{PANEL}, {SYNTH}, final: {{kind: fallback, inputs: [answer, panel]}}"
    found = read(graph(nodes, top="limits: {max_calls: 2}")).diagnostics
    assert [(d.code, d.severity, d.line) for d in found] == [("FG505", "warning", 3)]
    assert not read(graph(nodes, top="limits: {max_calls: 3}")).diagnostics


def test_fallback_with_one_writer_does_not_warn() -> None:
    """semantics 3: fallback = fallback over the T of its options"""
    nodes = (
        f"{PANEL}, v: {{kind: judge, mode: vote, inputs: [panel]}}, {SYNTH}, final: {{kind: fallback, inputs:"
        f" [v, answer, panel]}}"
    )
    assert told(nodes) == []
