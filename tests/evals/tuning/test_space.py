"""The space file: every combination, and every mistake at its place."""

from __future__ import annotations

import pytest

from fusion_graph.errors import PipelineError
from fusion_graph.evals.tuning.space import read_space
from fusion_graph.wiring import pipelines

GOOD = b"""shapes:
  - pipeline: budget
    params: {refine: [false, true], panel: [[a/x, b/y], [{model: c/z}]]}
  - pipeline: self-moa
"""


def mistakes(source: bytes) -> list[str]:
    with pytest.raises(PipelineError) as caught:
        read_space(source, "s.yaml", pipelines.load)
    return [f"{d.line}:{d.col} {d.code} {d.message}" for d in caught.value.diagnostics]


def test_every_combination_in_file_order() -> None:
    names = [one.name for one in read_space(GOOD, "s.yaml", pipelines.load)]
    assert names == [
        "budget refine=false panel=x+y",
        "budget refine=false panel=z",
        "budget refine=true panel=x+y",
        "budget refine=true panel=z",
        "self-moa",
    ]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (b"", "1:1 FG101"),
        (b"shapes: 5", "1:1 FG606"),
        (b"shapes:\n  - {params: {}}", "2:5 FG112"),
        (b"shapes:\n  - {pipeline: budget, param: {}}", "2:31 FG111 unknown key 'param'"),
        (b"shapes:\n  - {pipeline: bugdet}", "2:16 FG606 there is no preset 'bugdet'"),
        (b"shapes:\n  - {pipeline: budget, params: 5}", "2:32 FG113"),
        (b"shapes:\n  - {pipeline: budget, params: {refin: [true]}}", "2:40 FG203 budget has no parameter 'refin'"),
        (b"shapes:\n  - {pipeline: budget, params: {refine: true}}", "2:41 FG113 refine: a list"),
    ],
)
def test_mistakes_stand_at_their_places(source: bytes, told: str) -> None:
    assert mistakes(source)[0].startswith(told)


def test_too_many_shapes_are_refused() -> None:
    many = b"shapes:\n" + b"  - {pipeline: self-moa}\n" * 300
    assert "300 shapes are more than 256" in mistakes(many)[0]
    values = ", ".join(map(str, range(300)))
    assert (
        "more than 256 combinations"
        in mistakes(f"shapes: [{{pipeline: budget, params: {{judge: [{values}]}}}}]".encode())[0]
    )
