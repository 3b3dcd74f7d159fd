"""Draw every preset into docs/diagrams/. A test fails when a drawing is stale.

Drawn by graphviz-pure only, whose bytes are the same on every platform; without it nothing is written.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fusion_graph.graph.binding import bind
from fusion_graph.graph.drawing.diagram import picture
from fusion_graph.graph.drawing.image import PROGRAM, draw, programs
from fusion_graph.graph.reader import load
from fusion_graph.kinds import KINDS
from fusion_graph.wiring import pipelines

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "diagrams"


def main() -> None:
    """Write every drawing."""
    if Path(next(programs(), "")).stem != PROGRAM:
        sys.exit(f"{PROGRAM} is not installed: make install")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file in pipelines.presets().values():
        (FOLDER / f"{file.stem}.svg").write_bytes(diagram(file))
        print(f"docs/diagrams/{file.stem}.svg")


def diagram(file: Path) -> bytes:
    """The SVG of a pipeline file at its default parameters."""
    pipeline = load(file.read_bytes(), file=file.name, kinds=KINDS)
    return draw(picture(bind(pipeline, KINDS)), "svg")


if __name__ == "__main__":
    main()
