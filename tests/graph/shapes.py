"""Pipelines that tests of the graph share: a file's text in, a bound pipeline out."""

from __future__ import annotations

from textwrap import dedent, indent
from typing import Any

from fusion_graph.graph.binding import bind
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.reader import load
from fusion_graph.kinds import KINDS

RESEARCH = """
    version: 1
    name: research
    description: Three drafts, one judge, one writer, and a safety net.
    params: {more: {type: integer, default: 1}}
    defaults: {max_tokens: 1000, timeout: {total_s: 100}, retry: {attempts: 2, backoff_s: 1}}
    nodes:
      panel: {kind: layer, models: [a/x, b/y, c/z], quorum: 2, grace_s: 8}
      second: {kind: layer, models: [a/x, d/w@ollama], inputs: [panel], when: {params.more: {above: 0}}}
      verdict: {kind: judge, model: e/v, inputs: [panel, second?]}
      answer: {kind: synth, model: a/x, inputs: [panel, second?, verdict?], description: 'Writes <it> & "more".'}
      polish: {kind: refine, model: b/y, inputs: [answer, verdict?], when: {verdict.contradictions: {above: 0}}}
      final: {kind: fallback, inputs: [polish, answer, panel]}
    output: final
"""
VOTES = """
    version: 1
    name: votes
    nodes:
      votes: {kind: sample, model: a/x, samples: 9, window: 3, stop: {agree: 3}, extract: last_number}
      vote: {kind: judge, mode: vote, inputs: [votes]}
      final: {kind: fallback, inputs: [vote, votes]}
    output: final
"""
PANEL = """
    name: small
    panel: [m/a, m/b, m/c]
    judge: m/j
    synthesizer: m/s
    refine: true
    layers: 2
    samples: 2
"""


def bound(text: str, **params: Any) -> Bound:
    """A pipeline file as a run sees it."""
    return bind(load(dedent(text).encode(), file="test.yaml", kinds=KINDS), KINDS, params)


def graph(nodes: str, output: str = "final") -> Bound:
    """The same from the nodes alone."""
    return bound(f"version: 1\nname: test\noutput: {output}\nnodes:\n{indent(dedent(nodes), '  ')}\n")
