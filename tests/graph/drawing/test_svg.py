"""graph/drawing/svg: the plain writer that never fails."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from fusion_graph.graph.drawing.diagram import Box, Ending, Picture, picture
from fusion_graph.graph.drawing.svg import to_svg
from tests.graph.shapes import RESEARCH, bound, graph

SVG = "{http://www.w3.org/2000/svg}"


def drawn(made: Picture) -> ET.Element:
    return ET.fromstring(to_svg(made))  # noqa: S314 - our own text


def titles(root: ET.Element) -> list[str | None]:
    return [title.text for title in root.iterfind(f"{SVG}g/{SVG}title")]


def test_document_holds_every_box() -> None:
    root = drawn(picture(bound(RESEARCH)))
    assert set(titles(root)) == {"panel", "second", "verdict", "answer", "polish", "final"}
    assert any(path.get("stroke-dasharray") for path in root.iterfind(f"{SVG}path"))


def test_huge_graph_becomes_a_grid() -> None:
    ended = Ending("ok", "", 1.0)
    boxes = tuple(Box(id=f"n{i}", title=f"n{i}", kind="k", role="draft", ending=ended) for i in range(1000))
    root = drawn(Picture(name="huge", boxes=boxes))
    assert len(titles(root)) == 1000
    assert not root.findall(f"{SVG}path")


def test_hostile_text_is_only_text() -> None:
    nasty = "</text><script>alert(1)</script> & ]]>"
    root = drawn(Picture(name=nasty, boxes=(Box(id="a", title=nasty, kind=nasty, role="judge"),)))
    assert not root.findall(f".//{SVG}script")
    assert root.findtext(f"{SVG}title") == nasty


def test_same_picture_same_bytes() -> None:
    made = graph("final: {kind: proposer, model: m/a}")
    assert to_svg(picture(made)) == to_svg(picture(made))


def test_empty_picture_is_a_document() -> None:
    assert titles(drawn(Picture(name="nothing"))) == []
