"""Graphs that several tests walk or run, as the text of their nodes. What a test is about, it adds itself."""

from __future__ import annotations

PAIR = """
a: {kind: proposer, model: m/a}
b: {kind: proposer, model: m/b}
"""
TWO = """
one: {kind: proposer, model: m/1}
two: {kind: proposer, model: m/2}
"""
THREE = f"""{TWO}three: {{kind: proposer, model: m/3}}
"""
HEDGED_TWO = f"""{TWO}first: {{kind: fallback, inputs: [one, two], hedge_after_s: 4}}
"""
HEDGED = f"""{THREE}final: {{kind: fallback, inputs: [one, two, three], hedge_after_s: 4}}
"""
NESTED = f"""{THREE}inner: {{kind: fallback, inputs: [one, two]}}
final: {{kind: fallback, inputs: [inner, three]}}
"""
LAST_RESORT = """
panel: {kind: layer, models: [m/a, m/b]}
other: {kind: proposer, model: m/o}
answer: {kind: synth, model: m/w, inputs: [panel, other]}
backup: {kind: proposer, model: m/z}
final: {kind: fallback, inputs: [answer, backup, panel]}
"""
