"""graph/drawing/terminal: the drawing in box characters."""

from __future__ import annotations

import pytest

from fusion_graph.graph.drawing.captions import cells
from fusion_graph.graph.drawing.diagram import Arrow, Box, Ending, Picture, picture
from fusion_graph.graph.drawing.terminal import to_terminal
from tests.graph.shapes import PANEL, RESEARCH, VOTES, bound, graph

DRAWN = """\
votes
┏━ votes ━━━━━━━━━━━━━━━━━━━━━━━┓
┃ sample x9                     ┃
┃ 3 at a time, stop at 3 alike  ┃
┃ - a/x x9                      ┃
┗━━━━━━━━━━━━━┯━━━━━━━━━━━━━━━━━┛
              ├───────────┐
              ▼           │
       ╭─ vote ──────╮    │
       │ judge: vote │    │
       ╰────────┬────╯    │
                ├─────────┘
                ▼
      ╔═ final ═══════════╗
      ║ fallback, output  ║
      ║ 1 vote, 2 votes   ║
      ╚═══════════════════╝
"""


def test_drawing_of_a_vote() -> None:
    assert to_terminal(picture(bound(VOTES)), 80) == DRAWN


@pytest.mark.parametrize("width", [10, 40, 60, 80, 120])
@pytest.mark.parametrize("text", [RESEARCH, VOTES, PANEL])
def test_drawing_fits_its_width(text: str, width: int) -> None:
    drawn = to_terminal(picture(bound(text)), width)
    assert max(cells(line) for line in drawn.splitlines()) <= max(width, 24)


def test_legend_explains_the_lines_there_are() -> None:
    assert "optional input" in to_terminal(picture(bound(RESEARCH)))
    made = graph("""
        a: {kind: proposer, model: m/a}
        final: {kind: proposer, model: m/b, after: [a]}
    """)
    drawn = to_terminal(picture(made))
    assert "┊" in drawn
    assert drawn.endswith("─ required input, ┈ order only (when, after)\n")


def test_crossing_is_no_joint() -> None:
    """A line that only passes another goes over it, unbroken."""
    made = graph("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b}
        c: {kind: proposer, model: m/c, inputs: [a, b]}
        d: {kind: proposer, model: m/d, inputs: [a]}
        final: {kind: synth, model: m/s, inputs: [c, d]}
    """)
    assert "┼" not in to_terminal(picture(made))


def test_forty_members_stay_readable() -> None:
    models = ", ".join(f"vendor/model-{i}" for i in range(40))
    drawn = to_terminal(picture(graph(f"""
        panel: {{kind: layer, models: [{models}]}}
        final: {{kind: synth, model: m/s, inputs: [panel]}}
    """)), 80)  # fmt: skip
    assert "layer x40" in drawn
    assert "and 29 more" in drawn
    assert len(drawn.splitlines()) < 30


def test_states_are_words() -> None:
    states = {"panel/x": Ending("failed", "rate_limited", 3.0), "polish": Ending("skipped", "when")}
    drawn = to_terminal(picture(bound(RESEARCH), states))
    assert "- x, failed: rate_limited, 3.0 s" in drawn
    assert "skipped: when" in drawn


def test_wide_characters_keep_the_frame() -> None:
    boxes = (Box(id="a", title="数据", kind="e\u0301tude", role="draft", model="模型/一"),)
    lines = to_terminal(Picture(name="n", boxes=boxes)).splitlines()[1:]
    assert len({cells(line) for line in lines}) == 1
    assert "e\u0301tude" in lines[1]


def test_huge_graph_becomes_a_list() -> None:
    boxes = tuple(Box(id=f"n{i}", title=f"n{i}", kind="proposer", role="draft", model="m/a") for i in range(100))
    ends = {0: Ending("ok", "", 1.0)}
    boxes = tuple(
        Box(id=b.id, title=b.title, kind=b.kind, role=b.role, ending=ends.get(i)) for i, b in enumerate(boxes)
    )
    arrows = (Arrow("n0", "n1"), Arrow("n0", "n2", "dashed"), Arrow("n1", "n2", "dotted"))
    drawn = to_terminal(Picture(name="huge", boxes=boxes, arrows=arrows), 80).splitlines()
    assert drawn[1] == "n0: proposer; ok, 1.0 s"
    assert drawn[3] == "n2: proposer; after n0?, n1 (order)"
    assert len(drawn) == 102


def test_hostile_text_cannot_steer_the_terminal() -> None:
    made = bound(
        RESEARCH.replace("Three drafts", r"Three \e[2J\u202e drafts")
        .replace("description: T", 'description: "T')
        .replace("net.", 'net."')
    )
    assert "\x1b" not in to_terminal(picture(made))
    assert "\u202e" not in to_terminal(picture(made))
