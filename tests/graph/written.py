"""Files as tests write them, and what reading them gives."""

from __future__ import annotations

import sys
import time
from textwrap import dedent
from typing import Any

from fusion_graph.errors import Diagnostic
from fusion_graph.graph import expand as expanding
from fusion_graph.graph import reader
from fusion_graph.graph.reader import Reading
from fusion_graph.kinds import KINDS
from fusion_graph.pipeline import NodeSpec, Pipeline

HEAD = "version: 1\nname: t\n"
SAFE = "answer: {kind: synth, model: w/w, inputs: [panel]}, final: {kind: fallback, inputs: [answer, panel]}"
"""The end of a graph whose drafts come from a node `panel`; use as `nodes: {panel: ..., SAFE}` with `output: final`."""


class Quick:
    """Bounds the processor time of a block; wider while coverage traces every line."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds * (5 if sys.gettrace() else 1)

    def __enter__(self) -> None:
        self._began = time.process_time()

    def __exit__(self, *_exc: object) -> None:
        spent = time.process_time() - self._began
        assert spent < self._seconds, f"{spent:.2f} s"


def graph(nodes: str, *, output: str = "final", top: str = "") -> str:
    """A graph-form file of one flow map of nodes; `top` are further keys."""
    return f"{HEAD}{dedent(top)}\nnodes: {{{nodes}}}\noutput: {output}\n"


def read(text: str | bytes) -> Reading:
    source = dedent(text).encode() if isinstance(text, str) else text
    return reader.read(source, file="t.yaml", kinds=KINDS)


def load(text: str) -> Pipeline:
    """The pipeline of a file without errors."""
    return reader.load(dedent(text).encode(), file="t.yaml", kinds=KINDS)


def expand(text: str, **shape: Any) -> dict[str, NodeSpec]:
    """The plain nodes of a file by id, in order; `shape` over the default parameters."""
    pipeline = load(text)
    values = {name: spec.default for name, spec in pipeline.params.items()} | shape
    return {str(node.id): node for node in expanding.expand(pipeline, values)}


def errors(text: str | bytes) -> list[str]:
    """`FG201 4:12` for each error."""
    return [f"{d.code} {d.line}:{d.col}" for d in read(text).diagnostics if d.severity == "error"]


def codes(text: str | bytes) -> list[str]:
    """The codes of all errors, in document order."""
    return [d.code for d in read(text).diagnostics if d.severity == "error"]


def warnings(text: str) -> list[str]:
    return [d.code for d in read(text).diagnostics if d.severity == "warning"]


def only(text: str) -> Diagnostic:
    """The one finding of a file."""
    (found,) = read(text).diagnostics
    return found
