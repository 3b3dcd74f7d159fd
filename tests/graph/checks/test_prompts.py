"""The names in prompts."""

from __future__ import annotations

import pytest

from tests.graph.written import codes, errors, graph, read


def proposer(prompt: str, *, top: str = "", inputs: str = "") -> str:
    first = "p: {kind: layer, models: [m/a, m/b]}, " if inputs else ""
    return graph(f"{first}final: {{kind: proposer, model: m/m, inputs: [{inputs}], prompt: '{prompt}'}}", top=top)


@pytest.mark.parametrize(
    "prompt",
    ["{{question}}", "{{ drafts }} and {{analysis}}", "no names", "{ {question} }", "{{{question}}}", "{}", "{{}}"],
)
def test_known_names_are_fine(prompt: str) -> None:
    """design 2: `{{question}}`, `{{drafts}}`, `{{analysis}}`, `{{params.x}}` are replaced"""
    assert codes(proposer(prompt)) == []


@pytest.mark.parametrize(
    ("prompt", "hint"), [("{{drfts}}", "did you mean drafts?"), ("{{input}}", ""), ("{{question.x}}", "")]
)
def test_unknown_names_are_errors(prompt: str, hint: str) -> None:
    """design 2: unknown names are load errors"""
    found = [d for d in read(proposer(prompt)).diagnostics if d.severity == "error"]
    assert [d.code for d in found] == ["FG204"]
    assert hint in found[0].hint


def test_inputs_are_shown_by_their_names() -> None:
    """semantics 2: `{{input.<id>}}` in a prompt shows one input"""
    assert codes(proposer("{{input.p}}", inputs="p")) == []
    assert codes(proposer("{{input.p/a}}", inputs="p/a")) == []
    assert codes(proposer("{{input.q}}", inputs="p")) == ["FG204"]


def test_parameters_in_prompts_are_declared() -> None:
    top = "params: {tone: {type: string, default: dry}}"
    assert codes(proposer("Be {{params.tone}}.", top=top)) == []
    assert [d.code for d in read(proposer("Be {{params.tone}}.", top=top)).diagnostics] == ["FG307"]
    assert codes(proposer("Be {{params.ton}}.", top=top)) == ["FG203"]


def test_prompts_of_members_and_defaults_are_checked() -> None:
    text = graph(
        "p: {kind: layer, models: [{model: m/a, system: '{{x}}'}]}, final: {kind: fallback, inputs: [p]}",
        top="defaults: {system: '{{y}}'}",
    )
    assert errors(text) == ["FG204 3:20", "FG204 4:56"]


def test_prompt_cannot_multiply_the_question() -> None:
    assert codes(proposer("{{question}}" * 64)) == []
    assert codes(proposer("{{question}}" * 65)) == ["FG114"]
