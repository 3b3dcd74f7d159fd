"""Places in JSON text: of a value, else of the nearest thing around it."""

from __future__ import annotations

import pytest

from fusion_graph.evals.taskfiles.places import find_place
from fusion_graph.graph.yaml.places import Path

TEXT = """{"a": 1,
 "b": [ {"c": "x\\"}"},
        {"c": [1, 2]} ]}"""


@pytest.mark.parametrize(
    ("path", "place"),
    [((), (1, 1)), (("a",), (1, 7)), (("b", 0, "c"), (2, 15)), (("b", 1, "c", 1), (3, 19)), (("b", 1, "z"), (3, 9))],
)
def test_place_of_a_value(path: Path, place: tuple[int, int]) -> None:
    assert find_place(TEXT, path) == place
