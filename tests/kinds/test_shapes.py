"""Labels and capped shapes."""

from __future__ import annotations

import pytest

from fusion_graph.kinds._ladder import Unfit
from fusion_graph.kinds._shapes import TEXT, find_label, first_of, labels_of, list_of, listed, object_of
from fusion_graph.outputs import Drafts
from tests.kinds.scripted import Scripted, draft, drafts, inputs, make_node

LABELS = {"A": "A", "B": "B", "AB": "AB"}


@pytest.mark.parametrize(
    "said", ["A", "a", " A ", "Draft A", "draft a", "[A]", "(A)", '"A"', "Model A:", "**A**", "A."]
)
def test_label_is_recognised(said: str) -> None:
    assert find_label(said, LABELS) == "A"


@pytest.mark.parametrize("said", ["C", "", "all", "AA", "A and B", "the first", "1"])
def test_unknown_label_is_unfit(said: str) -> None:
    with pytest.raises(Unfit, match="the labels are A, B, AB"):
        find_label(said, LABELS)


def test_many_labels_are_not_all_listed() -> None:
    with pytest.raises(Unfit, match="and so on"):
        find_label("?", {f"L{i}": f"L{i}" for i in range(99)})


def test_models_name_drafts_where_shown() -> None:
    panel = Drafts((*drafts("a", "b").items, draft("c", model="model-a")))
    seen = Scripted(make_node("judge", present={"blind": False}), inputs(panel=panel))
    assert labels_of(seen, panel.items) == {"A": "A", "B": "B", "C": "C", "model-b": "B"}
    blind = Scripted(make_node("judge"), inputs(panel=panel))
    assert labels_of(blind, panel.items) == {"A": "A", "B": "B", "C": "C"}


def test_shapes_are_closed_and_capped() -> None:
    assert object_of(a=TEXT)["required"] == ["a"]
    assert object_of(a=TEXT)["additionalProperties"] is False
    assert list_of(TEXT)["maxItems"] == 32


def test_small_readers() -> None:
    assert (listed(None), listed(""), listed("x"), listed(["x"])) == ([], [], ["x"], ["x"])
    assert first_of({"b": 1, "a": 2}, "a", "b") == 2
    assert first_of({}, "a") is None
