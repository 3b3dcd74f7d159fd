"""graph/drawing/sheet: frames and lines on a grid."""

from __future__ import annotations

from fusion_graph.graph.drawing.diagram import Picture, picture
from fusion_graph.graph.drawing.folding import fold
from fusion_graph.graph.drawing.sheet import MOST_BOXES, Sheet, lay_out
from tests.graph.shapes import RESEARCH, bound, graph


def sheet(text: str = RESEARCH, width: int = 100) -> Sheet:
    found = lay_out(fold(picture(bound(text))), width)
    assert found is not None
    return found


def test_everything_lies_on_the_sheet() -> None:
    found = sheet()
    assert found.width <= 100
    for frame in found.frames:
        assert 0 <= frame.x <= frame.x + frame.width <= found.width
        assert frame.y + frame.height <= found.height
    for line in found.lines:
        assert all(0 <= x < found.width and 0 <= y < found.height for x, y in line.points)


def test_lines_stay_outside_the_frames() -> None:
    found = sheet()
    inside = {
        (x, y) for f in found.frames for x in range(f.x, f.x + f.width) for y in range(f.y + 1, f.y + f.height - 1)
    }
    assert not inside & {point for line in found.lines for point in line.points}


def test_fallback_lists_its_options() -> None:
    final = next(f for f in sheet().frames if f.box.id == "final")
    assert final.lines == ("fallback, output", "1 polish, 2 answer, 3 panel")


def test_narrow_sheet_gets_narrow_boxes() -> None:
    wide = 'panel: {kind: layer, models: ["vendor/a-model-with-a-very-long-name"]}\n'
    text = wide + "".join(f"n{i}: {{kind: proposer, model: m/{'x' * 40}, inputs: [panel]}}\n" for i in range(2))
    made = graph(text + "final: {kind: synth, model: m/s, inputs: [n0, n1, panel]}")
    found = lay_out(fold(picture(made)), 50)
    assert found is not None
    assert max(f.width for f in found.frames) <= 40


def test_large_picture_has_no_sheet() -> None:
    many = Picture(name="x", boxes=picture(bound(RESEARCH)).boxes * MOST_BOXES)
    assert lay_out(many, 100) is None


def test_crowded_picture_has_no_sheet() -> None:
    assert lay_out(picture(bound(RESEARCH)), 24) is None
