"""Files as tests write them, and what reading them gives."""

from __future__ import annotations

import sys
from textwrap import dedent
from types import FrameType
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


class Steps:
    """Bounds the calls that a block makes, Python's and C's. What runs away makes many, on any machine; no clock is
    asked."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made = 0

    def __enter__(self) -> None:
        sys.setprofile(self._count)

    def __exit__(self, *_exc: object) -> None:
        sys.setprofile(None)
        assert self._made < self._most, f"{self._made} calls"

    def _count(self, _frame: FrameType, event: str, _argument: object) -> None:
        self._made += event in ("call", "c_call")


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
