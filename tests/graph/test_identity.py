"""What a node is: what it asks for, and everything it stands on."""

from __future__ import annotations

import pytest

from fusion_graph.graph.identity import identities
from fusion_graph.messages import Message
from tests.graph.walk import bound_of

NODES = """
  one: {kind: proposer, model: m/a}
  two: {kind: proposer, model: m/b}
  answer: {kind: synth, model: m/w, inputs: [one, two]}
"""
ASKED = (Message("user", "Why?"),)


def changed(nodes: str) -> set[str]:
    """The nodes that are not what they were."""
    before, after = bound_of(NODES), bound_of(nodes)
    pairs = zip(before.plan.ids, identities(before, ASKED, "here"), identities(after, ASKED, "here"), strict=True)
    return {name for name, old, new in pairs if old != new}


def test_same_file_gives_the_same() -> None:
    assert changed(NODES) == set()


@pytest.mark.parametrize(
    "more", ["system: Be brief.", "temperature: 0.1", "max_tokens: 9", "prompt: '{{question}}!'", "usable: {match: x}"]
)
def test_change_reaches_the_node_and_what_stands_on_it(more: str) -> None:
    assert changed(NODES.replace("model: m/b", f"model: m/b, {more}")) == {"two", "answer"}


@pytest.mark.parametrize("more", ["timeout: {total_s: 9}", "retry: {attempts: 9}", "description: mine"])
def test_how_often_it_tries_is_nothing_of_it(more: str) -> None:
    assert changed(NODES.replace("model: m/b", f"model: m/b, {more}")) == set()


def test_another_question_is_another_run() -> None:
    bound = bound_of(NODES)
    assert not set(identities(bound, ASKED, "here")) & set(identities(bound, (Message("user", "How?"),), "here"))


def test_parameter_counts_where_it_is_used() -> None:
    nodes = NODES.replace("model: m/b", "model: m/b, system: 'In {{params.tongue}}.'")
    top = {"params": {"tongue": {"type": "string", "default": "Latin"}}}
    latin, greek = (bound_of(nodes, values={"tongue": tongue}, **top) for tongue in ("Latin", "Greek"))
    pairs = zip(latin.plan.ids, identities(latin, ASKED, "here"), identities(greek, ASKED, "here"), strict=True)
    assert {name for name, old, new in pairs if old != new} == {"two", "answer"}


def test_another_default_backend_counts_where_no_model_names_one() -> None:
    bound = bound_of(NODES.replace("m/a", "m/a@there"))
    pairs = zip(bound.plan.ids, identities(bound, ASKED, "here"), identities(bound, ASKED, "there"), strict=True)
    assert {name for name, old, new in pairs if old != new} == {"two", "answer"}
