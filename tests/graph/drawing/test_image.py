"""graph/drawing/image: bytes of a drawing, whoever draws it."""

from __future__ import annotations

import stat
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.graph.drawing import image
from fusion_graph.graph.drawing.diagram import Arrow, Box, Ending, Picture, picture
from fusion_graph.graph.drawing.image import draw, programs
from tests.graph.shapes import RESEARCH, VOTES, bound


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No layout program anywhere; the folder is the whole PATH."""
    monkeypatch.setattr(image, "folders", lambda: ())
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, script: str) -> None:
    (folder / "dot").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "dot").chmod(stat.S_IRWXU)


def test_png_is_drawn_without_a_system_dot() -> None:
    assert draw(picture(bound(VOTES)), "png").startswith(b"\x89PNG")


def test_installed_program_comes_first() -> None:
    assert Path(next(programs())).stem == image.PROGRAM


def test_svg_titles_are_node_ids() -> None:
    states = {"answer": Ending("ok", "", 1.0, None)}
    root = ET.fromstring(draw(picture(bound(RESEARCH), states), "svg"))  # noqa: S314 - our own text
    titles = {e.text for e in root.iter("{http://www.w3.org/2000/svg}title")}
    assert {"panel/x", "panel", "answer", "final"} <= titles


def test_same_picture_same_bytes() -> None:
    assert draw(picture(bound(RESEARCH)), "svg") == draw(picture(bound(RESEARCH)), "svg")


def test_hostile_names_are_drawn_as_they_are() -> None:
    nasty = r'</B>\N<IMG SRC="x"/> & "q" %'
    boxes = tuple(Box(id=i, title=nasty, kind="k", role="writer", tooltip=nasty) for i in "ab")
    made = Picture(name=nasty, description=nasty, boxes=boxes, arrows=(Arrow("a", "b", "dotted", nasty),))
    root = ET.fromstring(draw(made, "svg"))  # noqa: S314 - our own text
    texts = ["".join(e.itertext()).replace("\xa0", " ") for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert [t.strip() for t in texts].count(nasty) == 5


def test_dot_on_path_comes_next(nothing_installed: Path) -> None:
    install(nothing_installed, "echo drawn by dot")
    assert draw(picture(bound(VOTES)), "png") == b"drawn by dot\n"


def test_plain_writer_comes_last(nothing_installed: Path) -> None:
    assert b'font-family="monospace"' in draw(picture(bound(VOTES)), "svg")
    install(nothing_installed, "exit 1")
    assert b'font-family="monospace"' in draw(picture(bound(VOTES)), "svg")


def test_png_without_a_program_says_so(nothing_installed: Path) -> None:
    with pytest.raises(UsageError, match="no program") as caught:
        draw(picture(bound(VOTES)), "png")
    assert "graphviz-pure" in caught.value.hint


def test_slow_program_is_given_up(nothing_installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "LONGEST_S", 0.05)
    install(nothing_installed, "read line; while :; do :; done")
    assert b'font-family="monospace"' in draw(picture(bound(VOTES)), "svg")


def test_huge_graph_skips_the_layout() -> None:
    boxes = tuple(Box(id=f"n{i}", title=f"n{i}", kind="k", role="draft") for i in range(image.MOST_BOXES + 1))
    assert b'font-family="monospace"' in draw(Picture(name="huge", boxes=boxes), "svg")
