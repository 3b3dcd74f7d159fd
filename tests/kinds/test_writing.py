"""What proposer and synth share, beyond what is tested with each of them."""

from __future__ import annotations

import pytest

from fusion_graph.errors import NodeFailed
from fusion_graph.kinds._writing import require_drafts
from tests.kinds.scripted import Scripted, draft, make_node


def test_no_draft_is_no_input() -> None:
    ctx = Scripted(make_node("synth"))
    with pytest.raises(NodeFailed, match="no_input"):
        require_drafts(ctx, [])
    assert require_drafts(ctx, [draft("a")]) == [draft("a")]
