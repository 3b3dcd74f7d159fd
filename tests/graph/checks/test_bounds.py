"""Numbers that must fit each other."""

from __future__ import annotations

import pytest

from tests.graph.written import SAFE, codes, errors, graph, warnings

PANEL = f"panel: {{kind: layer, models: [m/a, m/b]}}, {SAFE}"


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("{kind: layer, models: [m/a, m/b], quorum: 3}", ["FG501"]),
        ("{kind: layer, models: [m/a, m/b], quorum: 2}", []),
        ("{kind: layer, models: [m/a, m/b], samples: 3, quorum: 4}", ["FG501"]),
        ("{kind: layer, models: [m/a, m/b], repeat: 3, quorum: 3}", ["FG501"]),
        ("{kind: sample, model: m/a, samples: 3, quorum: 4}", ["FG501"]),
        ("{kind: layer, models: [m/a, m/b], quorum: all}", []),
    ],
)
def test_quorum_counts_members(group: str, expected: list[str]) -> None:
    """semantics 5: the layer's quorum counts members; FG5xx: quorum above members"""
    assert codes(graph(f"panel: {group}, {SAFE}")) == expected


@pytest.mark.parametrize(
    "where",
    [
        "synth, model: m/m, inputs: [panel]",
        "judge, mode: select, model: m/m, inputs: [panel]",
        "fallback, inputs: [panel]",
    ],
)
@pytest.mark.parametrize("option", ["quorum: 2", "grace_s: 2"])
def test_quorum_and_grace_belong_to_groups(where: str, option: str) -> None:
    """semantics 1: elsewhere they are a load error that says: put these nodes in a layer with `members`"""
    text = graph(f"panel: {{kind: layer, models: [m/a, m/b]}}, final: {{kind: {where}, {option}}}")
    assert codes(text) == ["FG306"]


def test_reserve_must_leave_time() -> None:
    """semantics 4: FG5xx: reserve_s >= deadline_s"""
    assert errors(graph(PANEL, top="limits: {deadline_s: 60, reserve_s: 60}")) == ["FG502 3:37"]
    assert codes(graph(PANEL, top="limits: {deadline_s: 60, reserve_s: 59}")) == []
    assert warnings(graph(PANEL, top="limits: {reserve_s: 59}")) == ["FG118"]


def test_timeout_must_fit_the_deadline() -> None:
    """design 2: FG5xx: deadline under a timeout"""
    top = "limits: {deadline_s: 60}\ndefaults: {timeout: {total_s: 61}}"
    assert errors(graph(PANEL, top=top)) == ["FG503 4:31"]
    text = graph(PANEL.replace("[m/a, m/b]", "[m/a], timeout: {idle_s: 90}"), top="limits: {deadline_s: 60}")
    assert codes(text) == ["FG503"]


def test_unwritten_timeouts_may_be_longer() -> None:
    assert codes(graph(PANEL, top="limits: {deadline_s: 10}")) == []


@pytest.mark.parametrize(
    ("top", "expected"),
    [("", ["FG116"]), ("defaults: {temperature: null}", ["FG116"]), ("defaults: {temperature: 0.7}", [])],
)
def test_spread_needs_a_temperature(top: str, expected: list[str]) -> None:
    assert codes(graph(PANEL.replace("[m/a, m/b]", "[m/a, m/b], spread: 0.2"), top=top)) == expected


def test_spread_needs_a_known_temperature() -> None:
    top = "params: {t: {type: number, default: 0.5}}\ndefaults: {temperature: $t}"
    assert codes(graph(PANEL.replace("[m/a, m/b]", "[m/a, m/b], spread: 0.2"), top=top)) == ["FG116"]


def test_grace_without_quorum_has_no_effect() -> None:
    assert warnings(graph(PANEL.replace("[m/a, m/b]", "[m/a, m/b], grace_s: 2"))) == ["FG118"]


def test_parameters_are_checked_at_their_defaults() -> None:
    top = (
        "params: {q: {type: integer, default: 3}, d: {type: number, default: 5}}\nlimits: {deadline_s: $d, "
        "reserve_s: 9}"
    )
    assert codes(graph(PANEL.replace("[m/a, m/b]", "[m/a, m/b], quorum: $q"), top=top)) == ["FG502", "FG501"]


@pytest.mark.parametrize("quorum", ["2", "all"])
def test_stop_beside_a_quorum_is_warned_of(quorum: str) -> None:
    """semantics 2: a quorum goes on with n; nothing is left for `stop` to end"""
    sample = "kind: sample, model: m/a, samples: 3, stop: {agree: 2}, extract: last_number"
    assert warnings(graph(f"panel: {{{sample}}}, {SAFE}")) == []
    assert warnings(graph(f"panel: {{{sample}, quorum: {quorum}}}, {SAFE}")) == ["FG118"]
