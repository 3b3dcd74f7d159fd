"""A picture as SVG or PNG bytes. Drawn by the `graphviz-pure` program that is installed with this package, whose bytes
are the same everywhere; else by a `dot` on PATH; else SVG by our own plain writer, so that drawing never fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from fusion_graph.errors import UsageError
from fusion_graph.graph.drawing.diagram import Picture
from fusion_graph.graph.drawing.dot import to_dot
from fusion_graph.graph.drawing.folding import fold_wide
from fusion_graph.graph.drawing.svg import to_svg

LONGEST_S = 20.0  # a graph that takes a layout program longer is drawn by the plain writer
MOST_BOXES = 1500  # above that a layout takes minutes
PROGRAM = "graphviz-pure"
NONE_DRAWS = "no program could draw this PNG"
INSTALL = "install graphviz-pure (pip install graphviz-pure) or Graphviz, or draw an SVG"


def draw(picture: Picture, format: Literal["svg", "png"]) -> bytes:  # noqa: A002 - the word of the format option
    """The drawing. Raises UsageError when a PNG is asked for and no layout program can make one."""
    if len(fold_wide(picture).boxes) <= MOST_BOXES:
        source = to_dot(picture).encode()
        for program in programs():
            made = _run(program, source, format)
            if made:
                return made
    if format == "png":
        raise UsageError(
            NONE_DRAWS,
            hint=INSTALL,
        )
    return to_svg(picture).encode()


def programs() -> Iterator[str]:
    """Layout programs in the order they are tried."""
    for name, path in (*((PROGRAM, folder) for folder in folders()), (PROGRAM, None), ("dot", None)):
        found = shutil.which(name, path=path)
        if found:
            yield found


def folders() -> tuple[str, ...]:
    """Where the scripts of the running Python lie; PATH need not have them."""
    return tuple(dict.fromkeys((sysconfig.get_path("scripts"), str(Path(sys.executable).parent))))


def place(source: bytes, format: Literal["svg", "png"], dpi: int = 96) -> bytes:  # noqa: A002 - as above
    """A drawing in DOT whose nodes all say where they stand (in points). Raises UsageError when nothing can draw it."""
    for program in programs():
        made = _run(program, source, format, "-Kneato", "-n2", f"-Gdpi={dpi}")
        if made:
            return made
    raise UsageError(NONE_DRAWS, hint=INSTALL)


def _run(program: str, source: bytes, format: str, *flags: str) -> bytes | None:  # noqa: A002 - as above
    """What the program makes of the source, or None when it cannot."""
    try:
        done = subprocess.run(  # noqa: S603 - a fixed argument list; the source goes in by stdin
            [program, f"-T{format}", *flags], input=source, capture_output=True, timeout=LONGEST_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 and done.stdout else None
