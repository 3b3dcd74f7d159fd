"""Checks do not hide each other."""

from __future__ import annotations

from tests.graph.written import codes, graph


def test_every_check_speaks_in_one_pass() -> None:
    text = graph(
        "a: {kind: synth, model: m/m, inputs: [b], prompt: '{{nope}}', usable: {match: '('}},"
        " b: {kind: layer, models: [m/m], quorum: 7, inputs: [a]}, c: {kind: judge, model: m/m, inputs: [b]},"
        " final: {kind: fallback, inputs: [a, c]}",
        top="limits: {deadline_s: 1, reserve_s: 2}",
    )
    assert set(codes(text)) == {"FG502", "FG301", "FG204", "FG114", "FG501", "FG401"}
