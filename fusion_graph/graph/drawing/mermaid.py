"""A picture as Mermaid flowchart text, for pages that render it (READMEs, wikis)."""

from __future__ import annotations

from collections.abc import Mapping

from fusion_graph.graph.drawing.captions import ending
from fusion_graph.graph.drawing.diagram import Box, Picture, Role
from fusion_graph.graph.drawing.folding import MOST_LISTED, fold_wide, member_lines
from fusion_graph.graph.drawing.palette import ROLES, STATES, Paint, paint

SHAPES: Mapping[Role, tuple[str, str]] = {
    "draft": ("[", "]"),
    "judge": ("{{", "}}"),
    "writer": ("(", ")"),
    "refine": ("[/", "/]"),
    "choice": ("([", "])"),
    "group": ("[[", "]]"),
}
PLAIN = frozenset(" _-./:,()=+$@?")


def to_mermaid(picture: Picture) -> str:
    """Mermaid text; large groups are folded. Mermaid has one broken line, so `after` and `when` get their dots by
    style."""
    shown = fold_wide(picture)
    names = {box.id: f"n{i}" for i, box in enumerate(shown.boxes)}
    lines = ["flowchart TD"]
    _frame(lines, shown, names, "", "  ")
    dotted = []
    for i, arrow in enumerate(shown.arrows):
        label = f'|"{_marked(arrow.label)}"|' if arrow.label else ""
        line = "-->" if arrow.style == "solid" else "-.->"
        lines.append(f"  {names[arrow.source]} {line}{label} {names[arrow.target]}")
        if arrow.style == "dotted":
            dotted.append(str(i))
    if dotted:
        lines.append(f"  linkStyle {','.join(dotted)} stroke-dasharray:1 4")
    return "\n".join([*lines, *_classes(shown, names)]) + "\n"


def _frame(lines: list[str], picture: Picture, names: Mapping[str, str], inside: str, indent: str) -> None:
    for i, cluster in enumerate(picture.clusters):
        if cluster.parent == inside:
            lines.append(f'{indent}subgraph g{i}["{_marked(cluster.id)}"]')
            _frame(lines, picture, names, cluster.id, indent + "  ")
            lines.append(f"{indent}end")
    for box in picture.boxes:
        if box.cluster == inside:
            left, right = SHAPES[box.role]
            lines.append(f'{indent}{names[box.id]}{left}"{_label(box)}"{right}')


def _label(box: Box) -> str:
    told = ending(*box.ending) if box.ending else ""
    kind = f"{box.kind}, output" if box.output else box.kind
    texts = [kind, box.model, *box.notes, *member_lines(box, MOST_LISTED), told]
    return "<br/>".join([f"<b>{_marked(box.title)}</b>", *(_marked(text) for text in texts if text)])


def _classes(picture: Picture, names: Mapping[str, str]) -> list[str]:
    """One class per look in use."""
    looks: dict[Paint, list[str]] = {}
    for box in picture.boxes:
        looks.setdefault(paint(box), []).append(names[box.id])
    words = {look: str(word) for word, look in (*STATES.items(), *ROLES.items())}
    lines = []
    for look, members in looks.items():
        word = words[look]
        lines.append(f"  classDef {word} fill:{look.fill},stroke:{look.edge},color:{look.text}")
        lines.append(f"  class {','.join(members)} {word}")
    return lines


def _marked(text: str) -> str:
    """Everything but letters, digits and harmless marks as a character code: quotes, brackets and `#` steer Mermaid."""
    return "".join(c if c.isalnum() or c in PLAIN else f"#{ord(c)};" for c in text)
