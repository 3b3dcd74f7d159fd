"""From a reply to a draft; the call of the nodes that write is tested with proposer and synth."""

from __future__ import annotations

import pytest

from fusion_graph.errors import NodeFailed
from fusion_graph.kinds._writing import make_draft, require_drafts
from fusion_graph.messages import Completion
from tests.kinds.scripted import Scripted, draft, make_node


def test_draft_names_its_node_and_model() -> None:
    """semantics 2: a draft keeps the id of the node that wrote it."""
    ctx = Scripted(make_node("proposer", "panel/ann"))
    assert make_draft(ctx, Completion(text="x")).node == "panel/ann"
    assert make_draft(ctx, Completion(text="x")).model == "vendor/model"
    assert make_draft(ctx, Completion(text="x", model="vendor/alternate")).model == "vendor/alternate"


def test_answer_is_read_where_asked() -> None:
    """semantics 1: a draft then carries its `answer`."""
    silent, asked = make_node("proposer"), make_node("proposer", extract={"regex": "Answer: (.+)"})
    reply = Completion(text="Answer: B")
    assert make_draft(Scripted(silent), reply).answer is None
    assert make_draft(Scripted(asked), reply).answer == "B"


def test_no_draft_is_no_input() -> None:
    ctx = Scripted(make_node("synth"))
    with pytest.raises(NodeFailed, match="no_input"):
        require_drafts(ctx, [])
    assert require_drafts(ctx, [draft("a")]) == [draft("a")]
