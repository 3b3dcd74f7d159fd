"""Reading a `when`: from its map to a Condition. The grammar is closed; judging is `graph/conditions`' business."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from fusion_graph.graph.diagnostics import Findings, suggest
from fusion_graph.graph.fragments import ID, OPERATORS, REF
from fusion_graph.graph.reading.params import Params
from fusion_graph.graph.yaml.places import Path
from fusion_graph.pipeline import AnyOf, Comparison, Condition, FieldRef, NodeId, Operator, Param

_SUBJECT = re.compile(rf"({REF})\.([a-z_]+)")
_PARAM = re.compile(rf"params\.({ID})")
_HINT = "write `<node>.<field>: {above: 0}`"


class Lookup(NamedTuple):
    """One `<node>.<field>` of a `when`, and where it stands."""

    subject: FieldRef
    path: Path
    operator: str
    operand: Any


class WhenReader:
    """Reads one `when`; what it names is in `reads` afterwards."""

    def __init__(self, params: Params, findings: Findings) -> None:
        self._params = params
        self._findings = findings
        self.reads: list[Lookup] = []

    def read(self, raw: Any, path: Path) -> Condition | None:
        """The condition, or None with findings when nothing of it can be read."""
        if not isinstance(raw, Mapping) or not raw:
            self._findings.error("FG117", path, "`when` must be a map with at least one entry", _HINT)
            return None
        tests: list[Comparison | AnyOf] = []
        for subject, value in raw.items():
            at = (*path, subject)
            tests += [self._any(value, at)] if subject == "any" else self._compare(subject, value, at)
        return Condition(tuple(tests))

    def _any(self, raw: Any, path: Path) -> AnyOf:
        if not isinstance(raw, list) or not raw:
            self._findings.error("FG117", path, "`any` must be a list of conditions", f"each as in `when`: {_HINT}")
            return AnyOf(())
        found = (self.read(entry, (*path, i)) for i, entry in enumerate(raw))
        return AnyOf(tuple(c for c in found if c is not None))

    def _compare(self, subject: str, raw: Any, path: Path) -> Iterator[Comparison]:
        about = self._subject(subject, path)
        if not isinstance(raw, Mapping) or not raw:
            self._findings.error("FG117", path, f"{subject!r} needs a test", "write {above: 0}, {equals: true} ...")
            return
        for operator, value in raw.items():
            at = (*path, operator)
            if operator not in OPERATORS:
                self._findings.error("FG117", at, f"unknown test {operator!r}", suggest(operator, OPERATORS), key=True)
                continue
            operand = self._operand(operator, value, at)
            if isinstance(about, FieldRef):
                self.reads.append(Lookup(about, path, operator, operand))
            if about is not None:
                yield Comparison(about, cast("Operator", operator), operand)

    def _subject(self, subject: str, path: Path) -> FieldRef | Param | None:
        named = _PARAM.fullmatch(subject)
        if named:
            return Param(named[1]) if self._params.use(named[1], path) else None
        parts = _SUBJECT.fullmatch(subject)
        if parts is None:
            self._findings.error(
                "FG117", path, f"{subject!r} is not `<node>.<field>` or `params.<name>`", _HINT, key=True
            )
            return None
        return FieldRef(NodeId(parts[1]), parts[3])

    def _operand(self, operator: str, raw: Any, path: Path) -> Any:
        value = self._params.take(raw, path)
        if isinstance(value, Param):
            spec = self._params.specs.get(value.name)
            wrong = spec is not None and operator not in ("equals", "not_equals") and not _is_number(spec.default)
        elif operator in ("equals", "not_equals"):
            wrong = not isinstance(value, str | bool | int | float)
        else:
            wrong = not _is_number(value)
        if wrong:
            what = "a text, a number, true or false" if operator.endswith("equals") else "a number"
            self._findings.error("FG117", path, f"`{operator}` compares with {what}")
        return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
