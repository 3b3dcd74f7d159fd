"""Values that a run makes many of."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

from fusion_graph import outputs
from fusion_graph.contracts import Input
from fusion_graph.graph.state import NodeState
from fusion_graph.jsontext import plain
from fusion_graph.messages import Call, Completion, Delta, Sampling
from fusion_graph.outputs import Draft, Outcome
from fusion_graph.pipeline import NodeId


def test_values_are_what_their_fields_are() -> None:
    draft = Draft("text", "a")
    assert draft == Draft(text="text", node="a")
    assert len({draft, Draft("text", "a"), Draft("text", "b")}) == 2
    assert replace(draft, text="other") == Draft("other", "a")
    assert plain(Outcome("failed", None, "broken")) == {
        "state": "failed",
        "value": None,
        "reason": "broken",
        "detail": "",
    }


def test_values_hold_nothing_but_their_fields() -> None:
    assert not hasattr(Draft("text", "a"), "__dict__")


def test_collector_need_not_know_values_of_a_compiled_core() -> None:
    """As sources they are objects like any other; see `mypyc_attr`."""
    compiled = Path(getattr(outputs, "__file__", "")).suffix != ".py"
    draft = Draft("text", "a")
    values = (
        draft, Outcome("ok", draft), Completion("text"), Delta("t"), NodeState(),
        Call("m/a", (), Sampling()), Input(NodeId("a"), draft),
    )  # fmt: skip
    assert [gc.is_tracked(value) for value in values] == [not compiled] * len(values)
