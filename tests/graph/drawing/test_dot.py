"""graph/drawing/dot: DOT text."""

from __future__ import annotations

from fusion_graph.graph.drawing.diagram import Arrow, Box, Ending, Picture, picture
from fusion_graph.graph.drawing.dot import to_dot
from tests.graph.shapes import RESEARCH, bound, graph


def test_nodes_are_named_by_their_ids() -> None:
    dot = to_dot(picture(bound(RESEARCH)))
    assert '\t\t"panel/x" [label=<<B>x</B>' in dot
    assert "polish -> final [label=< 1 >]" in dot


def test_groups_are_frames() -> None:
    made = graph("""
        panel: {kind: layer, models: [m/a, m/b], samples: 2}
        final: {kind: synth, model: m/s, inputs: [panel]}
    """)
    lines = to_dot(picture(made)).splitlines()
    assert "\tsubgraph cluster_panel {" in lines
    assert '\t\tsubgraph "cluster_panel/a" {' in lines


def test_edges_show_tolerance_and_order() -> None:
    made = graph("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b, inputs: [a?]}
        final: {kind: proposer, model: m/c, inputs: [b], after: [a]}
    """)
    dot = to_dot(picture(made))
    assert "a -> b [style=dashed]" in dot
    assert "a -> final [label=< after > arrowhead=vee style=dotted]" in dot
    assert "b -> final\n" in dot


def test_states_colour_and_label() -> None:
    states = {"polish": Ending("skipped", "when"), "answer": Ending("ok", "", 2.0, 0.01)}
    dot = to_dot(picture(bound(RESEARCH), states))
    assert "<B>ok, 2.0 s, $0.0100</B>" in dot
    assert 'style="filled,dashed"' in dot
    assert 'polish -> final [label=< 1 > color="#b0b0b0" fontcolor="#b0b0b0"]' in dot


def test_same_picture_same_text() -> None:
    assert to_dot(picture(bound(RESEARCH))) == to_dot(picture(bound(RESEARCH)))


def test_hostile_text_is_only_text() -> None:
    nasty = r'</B><IMG SRC="/etc/passwd"/>\N & "quoted" ]; evil ['
    boxes = tuple(Box(id=i, title=nasty, kind=nasty, role="draft", model=nasty, tooltip=nasty) for i in "ab")
    dot = to_dot(Picture(name=nasty, description=nasty, boxes=boxes, arrows=(Arrow("a", "b", "solid", nasty),)))
    assert dot.count(r"&lt;/B&gt;&lt;IMG SRC=&quot;/etc/passwd&quot;/&gt;\\N &amp; &quot;quoted&quot; ]") == 9
    assert r"/>\\N & \"quoted\"" in dot


def test_nameless_picture_has_no_title() -> None:
    assert "labelloc" not in to_dot(Picture(name=""))
