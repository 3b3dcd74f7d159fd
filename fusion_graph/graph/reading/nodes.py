"""Reading the nodes of a file one by one: options checked against their kind and merged over `defaults`, references
noted.

What is wrong in one node does not hide what is wrong in the next: a bad option is reported and dropped, and a node
whose kind or structure cannot be known is kept as `opaque`, so that references to it still resolve.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from fusion_graph.contracts import Kind
from fusion_graph.graph.diagnostics import Findings, suggest
from fusion_graph.graph.expand import LAYER, PROPOSER, SAMPLE, merge
from fusion_graph.graph.fragments import CALL, COMMON, REF, SHOWN
from fusion_graph.graph.reading.params import Params, fill
from fusion_graph.graph.reading.validation import Checker
from fusion_graph.graph.reading.when import Lookup, WhenReader
from fusion_graph.graph.schema import node_schema
from fusion_graph.graph.yaml.places import Path, Problem
from fusion_graph.pipeline import Condition, Param

_REFERENCE = re.compile(REF)
_GROUPS_ONLY = frozenset(("quorum", "grace_s"))


class Ref(NamedTuple):
    """One node named by another."""

    field: Literal["inputs", "after", "when", "members"]
    target: str
    path: Path
    optional: bool = False


@dataclass(slots=True, kw_only=True)
class Sketch:
    """One node as read so far. `written` are its own options, `options` those over the defaults."""

    id: str
    path: Path
    kind: Kind | None = None
    written: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    when: Condition | None = None
    reads: list[Lookup] = field(default_factory=list)
    refs: list[Ref] = field(default_factory=list)
    description: str = ""
    opaque: bool = False
    lost: bool = False  # it names a node that is not there
    spoiled: bool = False  # an option of its own was dropped

    def edges(self, kind: str) -> list[Ref]:
        return [ref for ref in self.refs if ref.field == kind]

    @property
    def groups(self) -> bool:
        """True for a layer of existing nodes."""
        return self.kind is not None and self.kind.name == LAYER and "members" in self.options


class NodeReader:
    """Reads nodes of one file."""

    def __init__(
        self, kinds: Mapping[str, Kind], params: Params, defaults: Mapping[str, Any], findings: Findings
    ) -> None:
        self._kinds = kinds
        self._params = params
        self._defaults = defaults
        self._findings = findings
        self._schemas: dict[str, tuple[Checker, Mapping[str, Any]]] = {}

    def read(self, name: str, raw: Mapping[str, Any]) -> Sketch:
        path: Path = ("nodes", name)
        sketch = Sketch(id=name, path=path)
        sketch.kind = self._kind(raw, path)
        sketch.opaque = sketch.kind is None
        value = {
            key: self._params.take(item, (*path, key)) if key != "when" else item
            for key, item in raw.items()
            if not key.startswith("x-")
        }
        bad: set[Path] = self._check(sketch.kind, value, path) if sketch.kind else set()
        self._refer(sketch, value)
        if sketch.kind is not None:
            known = self._schema(sketch.kind)[1]
            sketch.written = {
                key: _without(item, (key,), bad)
                for key, item in value.items()
                if key in known and key not in COMMON and (key,) not in bad
            }
            sketch.spoiled = any(len(place) == 1 for place in bad)
            sketch.options = merge(self._reaching(sketch.kind, sketch.written), sketch.written)
            sketch.opaque = not _expandable(sketch)
            sketch.description = str(raw.get("description", ""))
            self._warn_inert(sketch)
        return sketch

    def _kind(self, raw: Mapping[str, Any], path: Path) -> Kind | None:
        name = raw.get("kind")
        if name is None:
            self._findings.error(
                "FG112", path, f"node {path[-1]!r} needs `kind`", f"one of {', '.join(self._kinds)}", key=True
            )
        elif not isinstance(name, str) or name not in self._kinds:
            self._findings.error("FG115", (*path, "kind"), f"unknown kind {name!r}", suggest(name, self._kinds))
        else:
            return self._kinds[name]
        return None

    def _schema(self, kind: Kind) -> tuple[Checker, Mapping[str, Any]]:
        """The kind's checker and its known options."""
        if kind.name not in self._schemas:
            schema = node_schema(kind)
            self._schemas[kind.name] = Checker(schema), schema["properties"]
        return self._schemas[kind.name]

    def _check(self, kind: Kind, value: Mapping[str, Any], path: Path) -> set[Path]:
        """Report what is wrong with a node's keys and values; gives what cannot be used: options, a member's keys."""
        filled = fill(value, self._params.defaults)
        bad: set[Path] = {(key,) for key, item in filled.items() if _unfilled(item)}
        for problem in self._schema(kind)[0].problems(filled, path):
            self._report(problem, kind)
            inside = problem.path[len(path) :]
            of_member = len(inside) > 2 and inside[0] == "models" and inside[2] != "model"
            bad.add(inside[:3] if of_member else inside[:1])
        return bad

    def _report(self, problem: Problem, kind: Kind) -> None:
        key = problem.path[-1]
        if problem.code == "FG111" and key in _GROUPS_ONLY and len(problem.path) == 3:
            message = f"`{key}` belongs to groups, and a {kind.name} is none"
            problem = problem._replace(code="FG306", message=message, hint="put these nodes in a layer with `members`")
        self._findings.problem(self._params.blame(problem))

    def _reaching(self, kind: Kind, written: Mapping[str, Any]) -> dict[str, Any]:
        """The defaults that reach a node: none if it calls no model, and not what its kind ignores."""
        if kind.structural:
            if kind.name == LAYER and "models" not in written:
                return {}
            kind = self._kinds.get(PROPOSER, kind)
        elif not kind.calls_model(written):
            return {}
        return {k: v for k, v in self._defaults.items() if k not in kind.ignores and (kind.presents or k not in SHOWN)}

    def _warn_inert(self, sketch: Sketch) -> None:
        kind = sketch.kind
        if kind is None or (kind.calls_model(sketch.written) and not kind.structural):
            return
        if kind.structural and not sketch.groups:
            return
        for key in sketch.written:
            if (key in CALL and key != "extract") or key in SHOWN:
                why = "it makes no nodes of its own" if kind.structural else "this node calls no model"
                self._findings.warn("FG118", (*sketch.path, key), f"`{key}` has no effect here: {why}", key=True)

    # --- references -------------------------------------------------------------------------------------------------

    def _refer(self, sketch: Sketch, value: Mapping[str, Any]) -> None:
        sketch.refs = [
            *self._list(value.get("inputs"), "inputs", (*sketch.path, "inputs")),
            *self._list(value.get("after"), "after", (*sketch.path, "after")),
            *self._list(value.get("members"), "members", (*sketch.path, "members")),
        ]
        if "when" in value:
            reader = WhenReader(self._params, self._findings)
            sketch.when = reader.read(value["when"], (*sketch.path, "when"))
            sketch.reads = reader.reads
            sketch.refs += [Ref("when", r.subject.node, r.path) for r in reader.reads]

    def _list(self, raw: Any, kind: Literal["inputs", "after", "members"], path: Path) -> Iterator[Ref]:
        seen: set[str] = set()
        entries = fill(raw, self._params.defaults)
        for i, entry in enumerate(entries if isinstance(entries, list) else ()):
            if not isinstance(entry, str):
                continue
            target = entry.removesuffix("?") if kind == "inputs" else entry
            if not _REFERENCE.fullmatch(target):
                continue  # the schema has said so
            if target in seen:
                self._findings.error("FG207", (*path, i), f"{target} is named twice in `{kind}`")
            seen.add(target)
            yield Ref(kind, target, (*path, i), target != entry)


def _without(value: Any, path: Path, bad: set[Path]) -> Any:
    """The value of an option without the keys of members that cannot be used."""
    if not isinstance(value, list) or len(bad) == 0:
        return value
    return [
        {k: v for k, v in item.items() if (*path, i, k) not in bad} if isinstance(item, Mapping) else item
        for i, item in enumerate(value)
    ]


def _unfilled(value: Any) -> bool:
    """True when an undeclared parameter stands somewhere in the value."""
    if isinstance(value, dict):
        return any(map(_unfilled, value.values()))
    return any(map(_unfilled, value)) if isinstance(value, list) else isinstance(value, Param)


def _expandable(sketch: Sketch) -> bool:
    """True unless the node is a group whose members cannot be known."""
    kind, options = sketch.kind, sketch.options
    if kind is None or not kind.structural:
        return kind is not None
    needed = ("samples", "model") if kind.name == SAMPLE else ("members",) if "members" in options else ("models",)
    return all(key in options for key in needed) and not ("models" in options and "members" in options)
