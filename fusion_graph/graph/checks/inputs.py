"""What each node takes: types of inputs, how many there must be, and scores where they are needed. What only a kind
can know is asked of the kind itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fusion_graph.contracts import Kind, WaitFirst
from fusion_graph.graph.diagnostics import Findings, suggest
from fusion_graph.graph.expand import PROPOSER
from fusion_graph.graph.reading.nodes import Ref, Sketch
from fusion_graph.graph.reading.references import Graph
from fusion_graph.outputs import FIELDS
from fusion_graph.pipeline import ModelRef, NodeId

DRAFTS = frozenset(("draft", "drafts", "vote"))


def check_inputs(graph: Graph, findings: Findings) -> None:
    """Report wrong types, missing drafts and scores, fields that are not there, and what the kinds find."""
    for sketch in graph.sketches.values():
        _check_when(sketch, graph, findings)
        if sketch.kind is None:
            continue
        _check_types(sketch, sketch.kind, graph, findings)
        if not (sketch.opaque and sketch.spoiled):
            _check_own(sketch, sketch.kind, graph, findings)
        if sketch.opaque:
            continue
        if not sketch.lost:
            _check_number(sketch, sketch.kind, graph, findings)
            _check_scores(sketch, graph, findings)
        _check_hedge(sketch, sketch.kind, graph, findings)
        _check_panelist(sketch, sketch.kind, graph, findings)


def _check_types(sketch: Sketch, kind: Kind, graph: Graph, findings: Findings) -> None:
    """Inputs of a group go to its members; members of a layer must give drafts themselves."""
    taker = graph.kinds.get(PROPOSER, kind) if kind.structural else kind
    for ref in sketch.edges("members") + sketch.edges("inputs"):
        gives = graph.gives.get(ref.target)
        takes = kind.takes if ref.field == "members" else taker.takes
        if gives is not None and gives not in takes:
            what = f"`{ref.target}` gives {gives}, and a {kind.name} takes {', '.join(sorted(takes))}"
            findings.error("FG401", ref.path, what)


def _check_number(sketch: Sketch, kind: Kind, graph: Graph, findings: Findings) -> None:
    inputs = sketch.edges("inputs")
    known = [graph.gives.get(ref.target) for ref in inputs]
    if sketch.groups:
        if inputs:
            message = "a layer of `members` has no inputs of its own"
            findings.error("FG116", (*sketch.path, "inputs"), message, "name them in `members`", key=True)
        return
    computed = not kind.structural and not kind.calls_model(graph.filled[sketch.id])
    if not inputs and (computed or kind.needs_draft):
        findings.error("FG304", sketch.path, f"a {kind.name} needs `inputs`", key=True)
    elif kind.needs_draft and None not in known and not DRAFTS.intersection(known):
        findings.error("FG304", (*sketch.path, "inputs"), f"a {kind.name} needs an input that gives drafts", key=True)


def _check_scores(sketch: Sketch, graph: Graph, findings: Findings) -> None:
    """`select: {top: k}` needs a judge that scores among the node's own inputs (semantics 2)."""
    present = graph.filled[sketch.id].get("present")
    select = present.get("select") if isinstance(present, dict) else None
    known = [graph.gives.get(ref.target) for ref in sketch.edges("inputs")]
    if isinstance(select, dict) and "top" in select and "scores" not in known and None not in known:
        message = "`select: {top: k}` needs a judge of mode score or rank among the inputs"
        findings.error("FG403", (*sketch.path, "present", "select"), message)


def _check_own(sketch: Sketch, kind: Kind, graph: Graph, findings: Findings) -> None:
    """What the kind finds; where an input is missing it cannot know more than has been said."""
    spec = replace(graph.specs[sketch.id], options=graph.filled[sketch.id])
    inputs = sketch.edges("inputs")
    gives = {NodeId(ref.target): graph.gives.get(ref.target) for ref in inputs}
    for code, suffix, message in kind.check(spec, {name: type_ for name, type_ in gives.items() if type_ is not None}):
        parts = tuple(int(part) if part.isdigit() else part for part in suffix.split("/")[1:])
        if parts[:1] == ("inputs",) and (sketch.lost or not inputs):
            continue
        at = inputs[int(parts[1])].path if parts[:1] == ("inputs",) and len(parts) > 1 else (*sketch.path, *parts)
        findings.error(code, at, message, key=not parts)


def _check_hedge(sketch: Sketch, kind: Kind, graph: Graph, findings: Findings) -> None:
    """The runners of a hedge must be calls themselves: there is nothing to race in what is computed (semantics 3)."""
    wait = kind.wait(kind.parse(graph.filled[sketch.id]))
    if isinstance(wait, WaitFirst) and wait.hedge_after_s:
        for ref in sketch.edges("inputs"):
            if graph.gives.get(ref.target) == "draft" and not _calls(ref, graph):
                message = f"with `hedge_after_s` every option must call a model itself; {ref.target} does not"
                findings.error("FG405", ref.path, message)


def _calls(ref: Ref, graph: Graph) -> bool:
    node = graph.plain[ref.target]
    return graph.kinds[node.kind].calls_model(node.options)


def _check_when(sketch: Sketch, graph: Graph, findings: Findings) -> None:
    for read in sketch.reads:
        gives = graph.gives.get(read.subject.node)
        if gives is not None and read.subject.field not in FIELDS[gives]:
            message = f"{read.subject.node!r} gives {gives}, which has no field {read.subject.field!r}"
            findings.error("FG205", read.path, message, suggest(read.subject.field, FIELDS[gives]), key=True)


def _check_panelist(sketch: Sketch, kind: Kind, graph: Graph, findings: Findings) -> None:
    """A judge that reads a draft of its own model prefers it, blind or not."""
    options = graph.filled[sketch.id]
    if kind.writes or kind.structural or not isinstance(options.get("model"), str):
        return
    model = ModelRef.parse(options["model"])
    if model in set(_writers(graph, sketch)):
        where = (*sketch.path, "model")
        findings.warn("FG308", where, f"{model} judges drafts and has written one of them", "let another model judge")


def _writers(graph: Graph, sketch: Sketch) -> Iterator[ModelRef]:
    """The models of the drafts that reach a node."""
    seen: set[str] = set()
    stack = [ref.target for ref in sketch.edges("inputs")]
    while stack:
        name = stack.pop()
        if name in seen or name not in graph.plain:
            continue
        seen.add(name)
        node = graph.plain[name]
        kind = graph.kinds.get(node.kind)
        model = node.options.get("model")
        if kind is not None and kind.writes:
            filled = graph.defaults.get(getattr(model, "name", ""), model)
            yield ModelRef.parse(str(filled))
        elif graph.gives.get(name) in DRAFTS:
            stack += [edge.node for edge in node.inputs]
