"""Section 8: the shapes as files: each checks, plans and runs on simulated models."""

from __future__ import annotations

import pytest

from fusion_graph.contracts import Backend
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.pricing import Prices
from fusion_graph.engine.request import ask
from fusion_graph.graph import reader
from fusion_graph.graph.binding import bind
from fusion_graph.graph.forecast.estimate import estimate
from fusion_graph.kinds import KINDS
from fusion_graph.providers import PROVIDERS

SHAPES = {
    "moa3": """
  panel: {kind: layer, repeat: 3, models: [a/x, b/y, c/z], quorum: 2, grace_s: 10}
  answer: {kind: synth, model: a/x, inputs: [panel]}
  final: {kind: fallback, inputs: [answer, panel]}""",
    "self-consistency": """
  votes: {kind: sample, model: a/x, samples: 9, window: 3, stop: {agree: 3}, extract: {regex: 'Answer: (.+)'}}
  vote: {kind: judge, mode: vote, inputs: [votes]}
  final: {kind: fallback, inputs: [vote, votes]}""",
    "universal-sc": """
  votes: {kind: sample, model: a/x, samples: 5}
  choice: {kind: judge, mode: select, model: b/y, inputs: [votes]}
  final: {kind: fallback, inputs: [choice, votes]}""",
    "debate": """
  opening: {kind: layer, models: [{model: a/x, key: ann}, {model: b/y, key: bob}, {model: c/z, key: cyd}]}
  rebuttal: {kind: layer, models: [{model: a/x, key: ann}, {model: b/y, key: bob}, {model: c/z, key: cyd}],
    inputs: [opening], present: {own: mark},
    prompt: 'Weigh the other drafts against yours, then answer. {{question}} {{drafts}}'}
  answer: {kind: synth, model: a/x, inputs: [rebuttal]}
  final: {kind: fallback, inputs: [answer, rebuttal, opening]}""",
    "cascade": """
  probe: {kind: sample, model: cheap/m, samples: 5, extract: last_number}
  agreed: {kind: judge, mode: vote, inputs: [probe], when: {probe.agreement: {at_least: 0.8}}}
  strong: {kind: proposer, model: strong/m}
  final: {kind: fallback, pick: majority, inputs: [agreed, strong, probe]}""",
    "best-of-n": """
  tries: {kind: sample, model: a/x, samples: 5}
  score_b: {kind: judge, mode: score, model: b/y, inputs: [tries]}
  score_c: {kind: judge, mode: score, model: c/z, inputs: [tries]}
  final: {kind: fallback, pick: best_score, inputs: [tries, score_b, score_c]}""",
    "rank-fuse": """
  panel: {kind: layer, models: [a/x, b/y, c/z, d/w]}
  ranking: {kind: judge, mode: rank, compare: pairs, both_orders: true, model: e/v, inputs: [panel]}
  answer: {kind: synth, model: a/x, inputs: [panel, ranking?], present: {select: {top: 2}}}
  final: {kind: fallback, pick: best_score, inputs: [answer, panel, ranking]}""",
    "peer-review": """
  panel: {kind: layer, models: [{model: a/x, key: a}, {model: b/y, key: b}, {model: c/z, key: c}]}
  by_a: {kind: judge, mode: score, model: a/x, inputs: [panel/b?, panel/c?]}
  by_b: {kind: judge, mode: score, model: b/y, inputs: [panel/a?, panel/c?]}
  by_c: {kind: judge, mode: score, model: c/z, inputs: [panel/a?, panel/b?]}
  final: {kind: fallback, pick: best_score, inputs: [panel, by_a, by_b, by_c]}""",
    "verify-chain": """
  draft: {kind: proposer, model: a/x}
  plan: {kind: proposer, model: a/x, inputs: [draft],
    prompt: 'Three numbered checking questions about this text. {{drafts}}'}
  q1: {kind: proposer, model: b/y, inputs: [plan], prompt: 'Answer question 1 only. {{input.plan}}'}
  q2: {kind: proposer, model: b/y, inputs: [plan], prompt: 'Answer question 2 only. {{input.plan}}'}
  q3: {kind: proposer, model: b/y, inputs: [plan], prompt: 'Answer question 3 only. {{input.plan}}'}
  checks: {kind: layer, members: [q1, q2, q3]}
  fixed: {kind: refine, model: a/x, inputs: [draft, plan, checks]}
  final: {kind: fallback, inputs: [fixed, draft]}""",
    "hedged": """
  one: {kind: proposer, model: a/x}
  two: {kind: proposer, model: a/x@second}
  final: {kind: fallback, inputs: [one, two], hedge_after_s: 4}""",
    "selective": """
  probes: {kind: layer, models: [a/x, b/y]}
  compare: {kind: judge, model: cheap/m, inputs: [probes]}
  quick: {kind: synth, model: cheap/m, inputs: [probes, compare], when: {compare.contradictions: {equals: 0}}}
  rest: {kind: layer, models: [c/z, d/w]}
  everyone: {kind: layer, members: [probes, rest]}
  verdict: {kind: judge, model: e/v, inputs: [everyone]}
  full: {kind: synth, model: a/x, inputs: [everyone, verdict?]}
  final: {kind: fallback, inputs: [quick, full, probes]}""",
}
BACKENDS = {name: Backend(name=name, provider="sim", free=True) for name in ("sim", "second")}


@pytest.mark.parametrize("name", SHAPES)
async def test_shape_checks_plans_and_runs(name: str) -> None:
    # semantics 8: each checks, plans and runs
    source = f"version: 1\nname: {name}\noutput: final\nnodes:{SHAPES[name]}\n"
    bound = bind(reader.load(source.encode(), file=f"{name}.yaml", kinds=KINDS), KINDS)
    forecast = estimate(bound, Prices.shipped().rates)
    async with Fusion(providers=PROVIDERS, backends=BACKENDS, default_backend="sim", prices=Prices.shipped()) as fusion:
        result = await fusion.run(bound, ask("What is the capital of Australia?", seed=3))
    assert result.text.strip()
    assert result.state in ("ok", "degraded")
    made = sum(node.attempts for node in result.nodes)
    assert forecast.calls.least <= made <= forecast.calls.most
