"""Cycles, reach and the output."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.graph.written import HEAD, SAFE, codes, errors, graph, read, warnings


def cycles(text: str) -> list[str]:
    return [d.message.removeprefix("a cycle: ") for d in read(text).diagnostics if d.code == "FG301"]


def test_cycle_is_listed_whole_in_flow_order() -> None:
    text = graph(
        "a: {kind: synth, model: m/m, inputs: [c]}, b: {kind: synth, model: m/m, inputs: [a]},"
        " c: {kind: synth, model: m/m, inputs: [b]}",
        output="c",
    )
    assert cycles(text) == ["a -> b -> c -> a"]
    assert errors(text) == ["FG301 4:47"]


def test_every_cycle_is_listed() -> None:
    """engines 3: ours names all cycles, not the first one"""
    text = graph(
        "a: {kind: synth, model: m/m, inputs: [b, d]}, b: {kind: synth, model: m/m, inputs: [a]},"
        " c: {kind: synth, model: m/m, inputs: [c, a]}, d: {kind: synth, model: m/m, inputs: [b]}",
        output="c",
    )
    assert cycles(text) == ["a -> b -> a", "a -> b -> d -> a", "c -> c"]


@pytest.mark.parametrize(
    "nodes",
    [
        "a: {kind: synth, model: m/m, inputs: [p]}, p: {kind: proposer, model: m/m, after: [a]}",
        "a: {kind: synth, model: m/m, inputs: [p]}, p: {kind: proposer, model: m/m, when: {a.chars: {above: 1}}}",
        "a: {kind: synth, model: m/m, inputs: [p]}, p: {kind: layer, models: [m/m], inputs: [a]}",
        "a: {kind: synth, model: m/m, inputs: [p/m]}, p: {kind: layer, models: [m/m], inputs: [a]}",
        "a: {kind: synth, model: m/m, inputs: [p]}, p: {kind: layer, members: [a]}",
    ],
)
def test_after_when_and_groups_count_for_cycles(nodes: str) -> None:
    """semantics 1: `when` and `after` are edges, they count for cycles"""
    assert cycles(graph(nodes, output="a")) == ["a -> p -> a"]


def test_member_of_another_branch_is_no_cycle() -> None:
    text = graph(
        "p: {kind: layer, models: [m/a, m/b]}, q: {kind: layer, members: [p/a]}, final: {kind: fallback,"
        " inputs: [q, p]}"
    )
    assert codes(text) == []


def test_unreachable_node_is_an_error() -> None:
    assert errors(graph(f"lost: {{kind: proposer, model: m/m}}, panel: {{kind: layer, models: [m/m]}}, {SAFE}")) == [
        "FG302 4:9"
    ]


def test_after_and_when_make_a_node_reachable() -> None:
    """semantics 1: `when` and `after` demand"""
    nodes = "a: {kind: proposer, model: m/m}, b: {kind: proposer, model: m/m}"
    final = "final: {kind: proposer, model: m/m, after: [a], when: {b.chars: {above: 1}}}"
    assert codes(graph(f"{nodes}, {final}")) == []


def test_slip_in_a_name_is_one_finding() -> None:
    assert codes(graph("pannel: {kind: layer, models: [m/m]}, " + SAFE)) == ["FG201", "FG201"]


def test_output_must_be_there() -> None:
    assert codes(f"{HEAD}nodes: {{a: {{kind: proposer, model: m/m}}}}\n") == ["FG303"]
    assert codes(graph("a: {kind: proposer, model: m/m}", output="b")) == ["FG201"]


@pytest.mark.parametrize("node", ["{kind: layer, models: [m/m]}", "{kind: sample, model: m/m, samples: 2}"])
def test_output_that_gives_drafts_is_refused(node: str) -> None:
    """semantics 3: an output that gives drafts or an analysis is a load error"""
    assert codes(graph(f"a: {node}", output="a")) == ["FG402"]


@pytest.mark.parametrize(
    ("mode", "expected"), [("analyze", ["FG402"]), ("score", ["FG402"]), ("select", []), ("vote", [])]
)
def test_judge_may_be_output_when_it_gives_a_draft(mode: str, expected: list[str]) -> None:
    model = "" if mode == "vote" else ", model: j/j"
    text = graph(
        (
            f"p: {{kind: layer, models: [m/m], extract: last_number}}, a: {{kind: judge, mode: {mode}, "
            f"inputs: [p]{model}}}"
        ),
        output="a",
    )
    assert codes(text) == expected


def test_output_without_fallback_warns() -> None:
    """design 2: warning: output has no fallback"""
    assert warnings(graph("a: {kind: proposer, model: m/m}", output="a")) == ["FG307"]
    assert warnings(graph("a: {kind: proposer, model: m/m}, final: {kind: fallback, inputs: [a]}")) == []


@pytest.mark.timeout(20)
def test_huge_knot_is_answered_quickly() -> None:
    names = [f"n{i}" for i in range(90)]
    nodes = ", ".join(
        f"{n}: {{kind: synth, model: m/m, inputs: [{', '.join(m for m in names if m != n)}]}}" for n in names
    )
    assert 0 < len(cycles(graph(nodes, output="n0"))) <= 20


def test_sound_graph_imports_no_networkx() -> None:
    """dependencies 2: networkx and jsonschema cost more than reading a file"""
    code = (
        "import sys; from fusion_graph.graph.reader import read; from fusion_graph.kinds import KINDS;"
        "assert read(b'name: x\\npanel: [m/a, m/b]\\n', file='x', kinds=KINDS).pipeline;"
        "assert not {'networkx', 'jsonschema', 'aiohttp', 'asyncio'} & sys.modules.keys(), sorted(sys.modules)"
    )
    root = str(__import__("pathlib").Path(__file__).parents[3])
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
