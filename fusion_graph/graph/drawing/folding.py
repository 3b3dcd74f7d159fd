"""Folding: a whole group drawn as one box that lists its members, so that a wide panel stays readable. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from fusion_graph.graph.drawing.captions import ending
from fusion_graph.graph.drawing.diagram import STRENGTH, Arrow, Box, Picture
from fusion_graph.graph.expand import key_of

MOST_FRAMED = 9  # boxes in a frame of a drawing; a larger group is folded
MOST_LISTED = 20  # lines of its members in a drawing


def fold_wide(picture: Picture) -> Picture:
    """The picture with the groups folded that are too wide for a drawing."""
    return fold(picture, lambda boxes: boxes > MOST_FRAMED)


def fold(picture: Picture, wanted: Callable[[int], bool] = lambda _boxes: True) -> Picture:
    """The picture with every outermost frame for which `wanted(boxes inside)` holds made one box."""
    parents = {c.id: c.parent for c in picture.clusters}
    home = {b.id: _outermost(b.cluster, parents) for b in picture.boxes}
    sizes = Counter(home.values())
    folded = {frame for frame in parents if not parents[frame] and wanted(sizes[frame])}
    place = {name: frame if frame in folded else name for name, frame in home.items()}
    inside: dict[str, list[Box]] = {frame: [] for frame in folded}
    for box in picture.boxes:
        if place[box.id] in folded and box.id != place[box.id]:
            inside[place[box.id]].append(box)
    reads = _member_reads(picture, place)
    boxes = (
        _folded(box, inside[box.id]) if box.id in folded else _reading(box, reads.get(box.id, ()))
        for box in picture.boxes
        if place[box.id] == box.id
    )
    return replace(
        picture,
        boxes=tuple(boxes),
        arrows=_merged(a._replace(source=place[a.source], target=place[a.target]) for a in picture.arrows),
        clusters=tuple(c for c in picture.clusters if _outermost(c.id, parents) not in folded),
    )


def member_lines(box: Box, most: int) -> list[str]:
    """A folded box's members, at most `most` lines: equal ones counted, and of a run those that went wrong never
    cut."""
    leaves = [m for m in box.members if m.role != "group"] or list(box.members)
    tally = Counter(_member_line(m) for m in leaves)
    lines = [f"{text} x{n}" if n > 1 else text for text, n in tally.items()]
    if len(lines) <= most:
        return lines
    bad = {_member_line(m) for m in leaves if m.ending and m.ending.state in ("failed", "cancelled")}
    first = [text for text in tally if text in bad] + [text for text in tally if text not in bad]
    kept = set(first[: most - 1])
    shown = [line for text, line in zip(tally, lines, strict=True) if text in kept]
    return [*shown, f"and {sum(n for text, n in tally.items() if text not in kept)} more"]


def _member_line(member: Box) -> str:
    """`ann: a/x`, or just the model where the key says no more; of a run the model's last part, to leave room."""
    key, model = member.title.rpartition("/")[2], member.model
    name = (model.rpartition("/")[2] if member.ending else model) or member.kind
    if model and not key.isdigit() and not _says(model, key):
        name = f"{key}: {name}"
    return f"{name}, {ending(*member.ending)}" if member.ending else name


def _says(model: str, key: str) -> bool:
    """True when the key is only the model's own, or that with a number: it tells nothing new."""
    head, _, number = key.rpartition("-")
    return key_of(model) == key or (number.isdigit() and key_of(model) == head)


def _outermost(frame: str, parents: Mapping[str, str]) -> str:
    while parents.get(frame):
        frame = parents[frame]
    return frame


def _folded(join: Box, inside: list[Box]) -> Box:
    """The join's box with its members in it; what all of them note, the group notes."""
    shared = [note for note in inside[0].notes if all(note in b.notes for b in inside if b.role != "group")]
    return replace(join, notes=(*shared, *join.notes), cluster="", members=tuple(inside))


def _reading(box: Box, members: Iterable[str]) -> Box:
    """A box that reads single members of a folded group says which."""
    named = ", ".join(members)
    return replace(box, notes=(*box.notes, f"reads {named}")) if named else box


def _member_reads(picture: Picture, place: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for arrow in picture.arrows:
        outside = place[arrow.source] != place[arrow.target]
        if outside and place[arrow.source] != arrow.source and place[arrow.target] == arrow.target:
            mark = "?" if arrow.style == "dashed" else ""
            found.setdefault(arrow.target, []).append(arrow.source + mark)
    return found


def _merged(arrows: Iterable[Arrow]) -> tuple[Arrow, ...]:
    """Arrows within a box fall away; of several between the same two boxes the strongest stays."""
    found: dict[tuple[str, str], Arrow] = {}
    for arrow in arrows:
        pair = (arrow.source, arrow.target)
        old = found.get(pair)
        if arrow.source != arrow.target and (old is None or STRENGTH[arrow.style] > STRENGTH[old.style]):
            found[pair] = arrow._replace(label=old.label if old and old.label else arrow.label)
    return tuple(found.values())
