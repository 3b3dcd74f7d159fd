"""The shapes of semantics 8, as they stand there: each is read without an error, expands and binds."""

from __future__ import annotations

import pytest

from fusion_graph.graph.binding import bind
from fusion_graph.graph.documents import parse
from fusion_graph.graph.yaml_text import to_yaml
from fusion_graph.kinds import KINDS
from tests.graph.written import codes, expand, load

SHAPES = """
{version: 1, name: moa3, output: final, nodes: {
  panel: {kind: layer, repeat: 3, models: [a/x, b/y, c/z], quorum: 2, grace_s: 10},
  answer: {kind: synth, model: a/x, inputs: [panel]}, final: {kind: fallback, inputs: [answer, panel]}}}
---
{version: 1, name: self-consistency, output: final, nodes: {
  votes: {kind: sample, model: a/x, samples: 9, window: 3, stop: {agree: 3}, extract: {regex: 'Answer: (.+)'}},
  vote: {kind: judge, mode: vote, inputs: [votes]}, final: {kind: fallback, inputs: [vote, votes]}}}
---
{version: 1, name: universal-sc, output: final, nodes: {
  votes: {kind: sample, model: a/x, samples: 5},
  choice: {kind: judge, mode: select, model: b/y, inputs: [votes]}, final: {kind: fallback, inputs: [choice, votes]}}}
---
{version: 1, name: debate, output: final, nodes: {
  opening: {kind: layer, models: [{model: a/x, key: ann}, {model: b/y, key: bob}, {model: c/z, key: cyd}]},
  rebuttal: {kind: layer, models: [{model: a/x, key: ann}, {model: b/y, key: bob}, {model: c/z, key: cyd}],
    inputs: [opening], present: {own: mark}, prompt: 'Weigh the other drafts against yours,
    then answer. {{question}} {{drafts}}'},
  answer: {kind: synth, model: a/x, inputs: [rebuttal]}, final: {kind: fallback, inputs: [answer, rebuttal, opening]}}}
---
{version: 1, name: cascade, output: final, nodes: {
  probe: {kind: sample, model: cheap/m, samples: 5, extract: last_number},
  agreed: {kind: judge, mode: vote, inputs: [probe], when: {probe.agreement: {at_least: 0.8}}},
  strong: {kind: proposer, model: strong/m}, final: {kind: fallback, pick: majority, inputs: [agreed, strong, probe]}}}
---
{version: 1, name: best-of-n, output: final, nodes: {
  tries: {kind: sample, model: a/x, samples: 5},
  score_b: {kind: judge, mode: score, model: b/y, inputs: [tries]}, score_c: {kind: judge, mode: score, model: c/z,
    inputs: [tries]},
  final: {kind: fallback, pick: best_score, inputs: [tries, score_b, score_c]}}}
---
{version: 1, name: rank-fuse, output: final, nodes: {
  panel: {kind: layer, models: [a/x, b/y, c/z, d/w]},
  ranking: {kind: judge, mode: rank, compare: pairs, both_orders: true, model: e/v, inputs: [panel]},
  answer: {kind: synth, model: a/x, inputs: [panel, ranking?], present: {select: {top: 2}}},
  final: {kind: fallback, pick: best_score, inputs: [answer, panel, ranking]}}}
---
{version: 1, name: peer-review, output: final, nodes: {
  panel: {kind: layer, models: [{model: a/x, key: a}, {model: b/y, key: b}, {model: c/z, key: c}]},
  by_a: {kind: judge, mode: score, model: a/x, inputs: [panel/b?, panel/c?]}, by_b: {kind: judge, mode: score,
    model: b/y, inputs: [panel/a?, panel/c?]},
  by_c: {kind: judge, mode: score, model: c/z, inputs: [panel/a?, panel/b?]},
  final: {kind: fallback, pick: best_score, inputs: [panel, by_a, by_b, by_c]}}}
---
{version: 1, name: verify-chain, output: final, nodes: {
  draft: {kind: proposer, model: a/x},
  plan: {kind: proposer, model: a/x, inputs: [draft],
    prompt: 'Three numbered checking questions about this text. {{drafts}}'},
  q1: {kind: proposer, model: b/y, inputs: [plan], prompt: 'Answer question 1 only. {{input.plan}}'},
  q2: {kind: proposer, model: b/y, inputs: [plan], prompt: 'Answer question 2 only. {{input.plan}}'},
  q3: {kind: proposer, model: b/y, inputs: [plan], prompt: 'Answer question 3 only. {{input.plan}}'},
  checks: {kind: layer, members: [q1, q2, q3]},
  fixed: {kind: refine, model: a/x, inputs: [draft, plan, checks]}, final: {kind: fallback, inputs: [fixed, draft]}}}
---
{version: 1, name: hedged, output: final, nodes: {
  one: {kind: proposer, model: a/x}, two: {kind: proposer, model: a/x@second},
  final: {kind: fallback, inputs: [one, two], hedge_after_s: 4}}}
---
{version: 1, name: selective, output: final, nodes: {
  probes: {kind: layer, models: [a/x, b/y]}, compare: {kind: judge, model: cheap/m, inputs: [probes]},
  quick: {kind: synth, model: cheap/m, inputs: [probes, compare], when: {compare.contradictions: {equals: 0}}},
  rest: {kind: layer, models: [c/z, d/w]}, everyone: {kind: layer, members: [probes, rest]},
  verdict: {kind: judge, model: e/v, inputs: [everyone]}, full: {kind: synth, model: a/x, inputs: [everyone, verdict?]},
  final: {kind: fallback, inputs: [quick, full, probes]}}}
"""
FILES = {str(parse(text.encode())[0].data["name"]): text for text in SHAPES.split("---\n")}
PLAIN = {
    "moa3": "panel/l1/x panel/l1/y panel/l1/z panel/l1 panel/l2/x panel/l2/y panel/l2/z "
    "panel/l2 panel/x panel/y panel/z panel answer final",
    "self-consistency": "votes/1 votes/2 votes/3 votes/4 votes/5 votes/6 votes/7 votes/8 votes/9 votes vote final",
    "universal-sc": "votes/1 votes/2 votes/3 votes/4 votes/5 votes choice final",
    "debate": "opening/ann opening/bob opening/cyd opening rebuttal/ann "
    "rebuttal/bob rebuttal/cyd rebuttal answer final",
    "cascade": "probe/1 probe/2 probe/3 probe/4 probe/5 probe agreed strong final",
    "best-of-n": "tries/1 tries/2 tries/3 tries/4 tries/5 tries score_b score_c final",
    "rank-fuse": "panel/x panel/y panel/z panel/w panel ranking answer final",
    "peer-review": "panel/a panel/b panel/c panel by_a by_b by_c final",
    "verify-chain": "draft plan q1 q2 q3 checks fixed final",
    "hedged": "one two final",
    "selective": "probes/x probes/y probes compare quick rest/z rest/w rest everyone verdict full final",
}

each = pytest.mark.parametrize("name", FILES)


def test_all_eleven_shapes_are_here() -> None:
    assert list(FILES) == list(PLAIN)


@each
def test_shape_reads_without_an_error(name: str) -> None:
    """semantics 8: each checks"""
    assert codes(FILES[name]) == []


@each
def test_shape_expands_in_file_order(name: str) -> None:
    """semantics 5: expansion is deterministic, members before their join"""
    assert list(expand(FILES[name])) == PLAIN[name].split()


@each
def test_shape_binds(name: str) -> None:
    """semantics 8: each plans"""
    assert bind(load(FILES[name]), KINDS).plan.ids == tuple(PLAIN[name].split())


@each
def test_shape_survives_printing(name: str) -> None:
    document = parse(FILES[name].encode())[0].data
    assert load(to_yaml(document)).nodes == load(FILES[name]).nodes
