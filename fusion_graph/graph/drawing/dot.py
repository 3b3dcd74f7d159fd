"""A picture as DOT text, by the `graphviz` package. Node names are the node ids, so a page can find a node by its
title. Text only: `drawing` has it drawn."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import graphviz

from fusion_graph.graph.drawing.captions import ending
from fusion_graph.graph.drawing.diagram import Arrow, Box, Picture, Role
from fusion_graph.graph.drawing.folding import MOST_LISTED, fold_wide, member_lines
from fusion_graph.graph.drawing.palette import FAINT, FRAME, LINE, is_faint, paint

FONT = "Arial"  # one name that every renderer maps to a font with the same widths; a list of names would not
SMALL = "10"
SHAPES: Mapping[Role, Mapping[str, str]] = {
    "draft": {"shape": "box"},
    "judge": {"shape": "hexagon", "margin": "0.02,0.04"},
    "writer": {"shape": "box", "style": "filled,rounded", "penwidth": "2"},
    "refine": {"shape": "note"},
    "choice": {"shape": "octagon", "margin": "0.04,0.05"},
    "group": {"shape": "box3d", "margin": "0.12,0.1"},
}


def to_dot(picture: Picture) -> str:
    """DOT source; large groups are folded. The same picture gives the same bytes."""
    shown = fold_wide(picture)
    graph = graphviz.Digraph(
        _text(picture.name),
        graph_attr={"fontname": FONT, "fontsize": "14", "rankdir": "TB", "nodesep": "0.25", "ranksep": "0.4"}
        | ({"label": _html(picture), "labelloc": "t"} if picture.name else {}),
        node_attr={"fontname": FONT, "fontsize": "12", "style": "filled", "height": "0.4"},
        edge_attr={"fontname": FONT, "fontsize": SMALL, "color": LINE, "fontcolor": LINE, "arrowsize": "0.7"},
    )
    _frame(graph, shown, "")
    faint = {box.id for box in shown.boxes if is_faint(box)}
    for arrow in shown.arrows:
        graph.edge(arrow.source, arrow.target, **_edge(arrow, faint=bool({arrow.source, arrow.target} & faint)))
    return str(graph.source)


def _frame(graph: graphviz.Digraph, picture: Picture, inside: str) -> None:
    """The boxes of a frame and the frames in it, in file order."""
    for cluster in picture.clusters:
        if cluster.parent == inside:
            with graph.subgraph(name=f"cluster_{cluster.id}") as part:
                part.attr(label=_text(cluster.id), labeljust="l", style="rounded,filled", fontsize=SMALL)
                part.attr(fillcolor=FRAME.fill, color=FRAME.edge, fontcolor=FRAME.text)
                _frame(part, picture, cluster.id)
    for box in picture.boxes:
        if box.cluster == inside:
            graph.node(box.id, **_node(box))


def _node(box: Box) -> dict[str, str]:
    look = paint(box)
    found = {"label": _label(box), "fillcolor": look.fill, "color": look.edge, "fontcolor": look.text}
    found |= SHAPES[box.role]
    if box.output:
        found["peripheries"] = "2"
    if is_faint(box) or (box.ending and box.ending.state == "cancelled"):
        found["style"] = found.get("style", "filled") + ",dashed"
    found["tooltip"] = _text(box.tooltip or box.id)
    return found


def _label(box: Box) -> str:
    """Title in bold, everything else small below it."""
    small = [box.kind, box.model, *box.notes, *member_lines(box, MOST_LISTED)]
    lines = [f"<B>{_marked(box.title)}</B>"]
    lines += [f'<FONT POINT-SIZE="{SMALL}">{_marked(text)}</FONT>' for text in small if text]
    if box.ending:
        lines.append(f'<FONT POINT-SIZE="{SMALL}"><B>{_marked(ending(*box.ending))}</B></FONT>')
    return f"<{'<BR/>'.join(lines)}>"


def _html(picture: Picture) -> str:
    about = f'<BR/><FONT POINT-SIZE="11">{_marked(picture.description)}</FONT>' if picture.description else ""
    return f"<<B>{_marked(picture.name)}</B>{about}>"


def _edge(arrow: Arrow, *, faint: bool) -> dict[str, str]:
    found: dict[str, str] = {} if arrow.style == "solid" else {"style": arrow.style}
    if arrow.style == "dotted":
        found["arrowhead"] = "vee"
    if arrow.label:
        found["label"] = f"< {_marked(arrow.label)} >"
    return found | ({"color": FAINT, "fontcolor": FAINT} if faint else {})


def _marked(text: str) -> str:
    """Text inside an HTML label, where DOT still reads backslashes as its own."""
    return escape(text).replace("\\", "\\\\")


def _text(text: str) -> str:
    """Text as a plain attribute, with nothing in it that DOT would expand."""
    return str(graphviz.escape(text))
