"""Colours of the drawings: light fills with dark edges that stay apart for colour-blind readers (after Okabe and Ito)
and in grey. Colour never stands alone: shape tells the role, words tell the state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from fusion_graph.graph.drawing.diagram import Box, Role


class Paint(NamedTuple):
    fill: str
    edge: str
    text: str = "#111111"


ROLES: Mapping[Role, Paint] = {
    "draft": Paint("#e3f1fb", "#0072b2"),
    "judge": Paint("#fdf3d0", "#a87900"),
    "writer": Paint("#d7f0e6", "#00795a"),
    "refine": Paint("#eef7d9", "#5f7a00"),
    "choice": Paint("#f7e2ee", "#a3427c"),
    "group": Paint("#f0f0f0", "#555555"),
}
STATES: Mapping[str, Paint] = {
    "ok": Paint("#d7f0e6", "#00795a"),
    "cached": Paint("#e3f1fb", "#0072b2"),
    "replayed": Paint("#e3f1fb", "#0072b2"),
    "failed": Paint("#fadbcc", "#b5400c"),
    "cancelled": Paint("#fdf3d0", "#a87900"),
    "skipped": Paint("#f7f7f7", "#9a9a9a", "#6e6e6e"),
}
FRAME = Paint("#fafafa", "#b0b0b0", "#555555")
LINE = "#444444"
FAINT = "#b0b0b0"


def paint(box: Box) -> Paint:
    """A box's colours: by its state in the picture of a run, else by its role."""
    if box.off and not box.ending:
        return STATES["skipped"]
    if box.ending:
        return STATES.get(box.ending.state, ROLES["group"])
    return ROLES[box.role]


def is_faint(box: Box) -> bool:
    """Skipped, or off: what leads to and from it is drawn faint too."""
    return box.off or (box.ending is not None and box.ending.state == "skipped")
