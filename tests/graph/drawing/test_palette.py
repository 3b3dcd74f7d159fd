"""graph/drawing/palette: colours by role, by state in the picture of a run."""

from __future__ import annotations

from typing import get_args

from fusion_graph.graph.drawing.diagram import Box, Ending, Role
from fusion_graph.graph.drawing.palette import ROLES, STATES, is_faint, paint
from fusion_graph.outputs import State


def box(state: str = "", *, off: bool = False) -> Box:
    return Box(id="a", title="a", kind="k", role="judge", off=off, ending=Ending(state) if state else None)


def test_every_role_and_state_has_a_look() -> None:
    assert set(ROLES) == set(get_args(Role))
    assert set(STATES) == set(get_args(State))


def test_state_beats_role() -> None:
    assert paint(box()) == ROLES["judge"]
    assert paint(box("failed")) == STATES["failed"]
    assert paint(box("unheard of")) == ROLES["group"]


def test_skipped_is_faint() -> None:
    assert is_faint(box("skipped"))
    assert is_faint(box(off=True))
    assert paint(box(off=True)) == STATES["skipped"]
    assert not is_faint(box("ok"))
    assert not is_faint(box())


def test_looks_differ_in_grey() -> None:
    """Roles differ by shape; states carry words. Still, text must be readable on every fill."""

    def grey(colour: str) -> float:
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    assert all(grey(look.fill) - grey(look.text) > 110 for look in (*ROLES.values(), *STATES.values()))
