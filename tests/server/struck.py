"""A pipeline each of whose roles a request can give to a model that fails, in one of the ways that the sim knows."""

from __future__ import annotations

from fusion_graph.providers._sim.faults import FAULTS, PREFIX

NODES = {"proposer": "first", "judge": "verdict", "synthesizer": "answer"}
"""The node of each role."""
HANGS = "timeout: {first_token_s: 0.4, idle_s: 0.4, total_s: 0.8}, retry: {attempts: 1}, "
STRICT_ATTEMPTS = 2
TOLERANT = """
version: 1
name: struck
params:
  proposer: {type: string, default: a/x}
  judge: {type: string, default: j/j}
  synthesizer: {type: string, default: w/w}
defaults: {retry: {attempts: 1, backoff_s: 0.0}, max_tokens: 100}
nodes:
  first: {kind: proposer, model: $proposer}
  second: {kind: proposer, model: b/y}
  panel: {kind: layer, members: [first, second]}
  verdict: {kind: judge, model: $judge, inputs: [panel]}
  answer: {kind: synth, model: $synthesizer, inputs: [panel, verdict?]}
  final: {kind: fallback, inputs: [answer, panel]}
output: final
"""
STRICTER = (
    ("attempts: 1", f"attempts: {STRICT_ATTEMPTS}"),
    ("second]}", "second], quorum: 2}"),
    ("inputs: [panel]}\n  answer", "inputs: [panel], repair: 0}\n  answer"),
    ("verdict?", "verdict"),
    ("output: final", "output: answer"),
    ("  final: {kind: fallback, inputs: [answer, panel]}\n", ""),
)


def pipeline(role: str, fault: str, *, strict: bool = False) -> str:
    """`struck`, which goes on without whoever is hit, or `strict`, tries twice and fails. What is to hang is given up
    soon."""
    text = TOLERANT
    for before, after in STRICTER if strict else ():
        assert before in text
        text = text.replace(before, after)
    hangs = FAULTS[fault].reason.startswith("timeout")
    return text.replace(f"model: ${role}", f"{HANGS}model: ${role}") if hangs else text


def hit(role: str, fault: str) -> dict[str, str]:
    """What a request's `fusion` says, for that role to fail so."""
    return {role: f"{PREFIX}{fault}"}
