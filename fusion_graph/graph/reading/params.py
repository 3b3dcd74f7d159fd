"""Parameters of one file: what it declares, where it uses them, and whether the defaults fit. Values given by callers
are `graph/overrides`' business."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from fusion_graph.graph.diagnostics import Findings, nearest, suggest
from fusion_graph.graph.expand import SHAPES
from fusion_graph.graph.fragments import ID, PARAM, SLUG
from fusion_graph.graph.reading.fitting import fits
from fusion_graph.graph.reading.validation import Checker, regex_problem, schema_problem
from fusion_graph.graph.schema import MEMBER
from fusion_graph.graph.yaml.places import Path, Problem
from fusion_graph.pipeline import Param, ParamSpec

_NAMED = re.compile(rf"\$({ID})")
PLAIN = frozenset(("kind", "inputs", "after", "mode", "match", "regex", "output"))
"""Keys under which a parameter is refused: they make the graph, or reach a regex compiler."""
VERBATIM = frozenset(("description", "schema"))
"""Keys whose values are left as they stand."""


class Params:
    """The declared parameters and every place that uses one."""

    def __init__(self, raw: Any, findings: Findings) -> None:
        self._findings = findings
        self._uses: dict[Path, str] = {}
        self._meant: set[str] = set()  # by misspelt uses
        self.specs: dict[str, ParamSpec] = {}
        for name, entry in raw.items() if isinstance(raw, Mapping) else ():
            if fits(entry, PARAM):  # else the check of the top says what is wrong
                self._declare(str(name), entry)
        self.defaults = {name: spec.default for name, spec in self.specs.items()}

    def _declare(self, name: str, entry: Mapping[str, Any]) -> None:
        path: Path = ("params", name)
        schema = {k: v for k, v in entry.items() if k not in ("default", "description")}
        self.specs[name] = ParamSpec(
            name=name, schema=schema, default=entry["default"], description=str(entry.get("description", ""))
        )
        wrong = regex_problem(str(schema["pattern"])) if "pattern" in schema else ""
        if not wrong and "items" in schema:
            wrong = schema_problem(schema["items"])
        if wrong:
            self._findings.error("FG114", path, f"param {name!r}: {wrong}")
            return
        for problem in value_problems(self.specs[name], entry["default"], (*path, "default"), long=True):
            self._findings.problem(problem._replace(code="FG210", message=f"param {name!r}: {problem.message}"))

    def take(self, value: Any, path: Path) -> Any:
        """The value as the format means it: `$name` is a Param, `$$` a dollar; uses are noted, unknown names
        reported."""
        if isinstance(value, str):
            return self._text(value, path) if value.startswith("$") else value
        if isinstance(value, Mapping):
            return {k: v if k in VERBATIM else self.take(v, (*path, k)) for k, v in value.items()}
        if isinstance(value, list):
            return [self.take(v, (*path, i)) for i, v in enumerate(value)]
        return value

    def _text(self, text: str, path: Path) -> Any:
        if text.startswith("$$"):
            return text[1:]
        found = _NAMED.fullmatch(text)
        if found is None:
            return text
        where = next((part for part in reversed(path) if isinstance(part, str)), "")
        if where in PLAIN:
            self._findings.error("FG208", path, f"`{where}` takes no parameter")
        elif self.use(found[1], path):
            self._uses[path] = found[1]
        return Param(found[1])

    def use(self, name: str, path: Path) -> bool:
        """Note that `path` names a parameter, in whatever way; False, with a finding, if it is not declared."""
        if name in self.specs:
            self._uses.setdefault((*path, "$", name), name)
            return True
        self._findings.error("FG203", path, f"parameter {name!r} is not declared", suggest(name, self.specs))
        self._meant.add(nearest(name, self.specs) or "")
        return False

    def used_at(self, path: Path) -> str | None:
        """The parameter whose value stands at `path` or around it."""
        return next((self._uses[path[:i]] for i in range(len(path), 0, -1) if path[:i] in self._uses), None)

    def blame(self, problem: Problem) -> Problem:
        """The problem as it is, or as that of the default of the parameter that stands there."""
        name = self.used_at(problem.path)
        if name is None:
            return problem
        return problem._replace(code="FG210", message=f"the default of {name!r}: {problem.message}")

    def settle(self) -> dict[str, ParamSpec]:
        """All parameters with their shape marks, once every use is known; unused ones are reported."""
        used = self._meant.union(self._uses.values())
        for name in (n for n in self.specs if n not in used):
            self._findings.warn("FG206", ("params", name), f"parameter {name!r} is not used", key=True)
        shaping = {
            name for path, name in self._uses.items() if path[0] == "nodes" and len(path) > 2 and path[2] in SHAPES
        }
        return {name: replace(spec, shape=name in shaping) for name, spec in self.specs.items()}


def fill(value: Any, values: Mapping[str, Any]) -> Any:
    """The value with every known Param replaced; unknown ones stay."""
    if isinstance(value, Param):
        return values.get(value.name, value)
    if isinstance(value, dict):
        return {key: fill(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, values) for item in value]
    return value


def json_schema(schema: Mapping[str, Any], *, long: bool = False) -> dict[str, Any]:
    """A declaration as plain JSON Schema. `long`: entries of `models` may be maps, as in a file."""
    if schema.get("type") != "models":
        return dict(schema)
    return {"minItems": 1, **schema, "type": "array", "items": MEMBER if long else SLUG}


def value_problems(spec: ParamSpec, value: Any, path: Path = (), *, long: bool = False) -> Iterator[Problem]:
    """What is wrong with a value for a parameter."""
    return Checker(json_schema(spec.schema, long=long)).problems(value, path)
