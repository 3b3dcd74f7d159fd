"""graph/drawing/wires: lines never share a column or a track with one they do not join."""

from __future__ import annotations

from hypothesis import given

from fusion_graph.graph.drawing.layers import place
from fusion_graph.graph.drawing.wires import Gap, Wire, route
from tests.graph.drawing.test_layers import LIMIT, graphs

Case = tuple[dict[str, int], list[tuple[str, str]]]


def ends(gap: Gap, wire: Wire) -> set[int]:
    return {w.lower for w in gap.wires if w.upper == wire.upper}


@given(graphs())
def test_lines_only_meet_where_they_join(case: Case) -> None:
    made = place(*case, LIMIT)
    if made is None:
        return
    for gap, links in zip(route(made)[1], made.links, strict=True):
        for a in gap.wires:
            for b in gap.wires:
                assert a.start != b.end or (a.upper, b.lower) in links
                assert a.upper == b.upper or a.start != b.start
                assert a.lower == b.lower or a.end != b.end
                if a.track == b.track >= 0 and ends(gap, a) != ends(gap, b):
                    assert max(a.start, a.end) < min(b.start, b.end) or max(b.start, b.end) < min(a.start, a.end)


@given(graphs())
def test_ports_lie_on_their_boxes(case: Case) -> None:
    made = place(*case, LIMIT)
    if made is None:
        return
    for row, ports in zip(made.rows, route(made)[0], strict=True):
        for slot, port in zip(row, ports, strict=True):
            assert slot.x <= min(port) <= max(port) < slot.x + slot.width


def test_lone_line_runs_straight() -> None:
    made = place({"a": 15, "b": 25}, [("a", "b")], LIMIT)
    assert made is not None
    (gap,) = route(made)[1]
    assert gap.tracks == 0
    assert gap.wires[0].start == gap.wires[0].end


def test_many_tracks_keep_their_order() -> None:
    """More tracks than are permuted: they stay in the order they were found."""
    boxes = dict.fromkeys([f"{side}{i}" for side in "ab" for i in range(7)], 11)
    made = place(boxes, [(f"a{i}", f"b{j}") for i in range(7) for j in range(i, 7)], LIMIT)
    assert made is not None
    assert route(made)[1][0].tracks > 5
