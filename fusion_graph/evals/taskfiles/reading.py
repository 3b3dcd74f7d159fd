"""From one plain map to one Task, with everything that is wrong with it. Knows no file format: places come from whoever
read the file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fusion_graph.errors import Diagnostic
from fusion_graph.evals.task import Criterion, Task
from fusion_graph.graph.answers import EXTRACT, parse_rule
from fusion_graph.graph.diagnostics import suggest
from fusion_graph.graph.structure import problems
from fusion_graph.graph.yaml.places import Path, Place
from fusion_graph.pipeline import Extract

TASK_KEYS = ("id", "prompt", "domain", "criteria", "answer", "extract")
CRITERION_KEYS = ("id", "weight", "requirement", "section")
ANSWER_LINE = Extract(regex=r"(?i)answer:\s*(.+)")
MOST_DEPTH = 8  # sections in sections
MOST_FINDINGS = 100


@dataclass(slots=True)
class Findings:
    """What is wrong with one file. `place` turns a path within the task at hand into a line and column."""

    file: str
    place: Callable[[Path], Place]
    found: list[Diagnostic] = field(default_factory=list)

    def add(self, code: str, path: Path, message: str, hint: str = "") -> None:
        if len(self.found) < MOST_FINDINGS:
            line, col = self.place(path)
            self.found.append(Diagnostic(code=code, message=message, file=self.file, line=line, col=col, hint=hint))


class Found(NamedTuple):
    """A criterion as it stands in a file: where, what, and the section around it."""

    path: Path
    value: Any
    section: str


def read_task(raw: Any, number: int, findings: Findings, *, strict: bool) -> Task | None:
    """One entry of a file, None if something is wrong with it. `strict`: unknown keys are errors (our own format)."""
    before = len(findings.found)
    if not isinstance(raw, Mapping):
        findings.add("FG113", (), f"task {number} is not a map")
        return None
    name = str(raw.get("id", f"#{number}"))
    if strict:
        _check_keys(raw, TASK_KEYS, (), f"task {name}", findings)
    problem = "problem" if "problem" in raw else "prompt"
    prompt = raw.get(problem)
    if not isinstance(prompt, str) or not prompt.strip():
        findings.add("FG112", (problem,) if problem in raw else (), f"task {name} has no {problem}")
    criteria, answer = _right(raw, name, findings)
    extract = _extract(raw, answer, name, findings)
    if len(findings.found) > before:
        return None
    return Task(
        id=name,
        prompt=str(prompt),
        domain=str(raw.get("domain") or ""),
        criteria=criteria,
        answer=answer,
        extract=extract,
    )


def _right(raw: Mapping[str, Any], name: str, findings: Findings) -> tuple[tuple[Criterion, ...], str | None]:
    """What the task says is right: criteria of our format, a rubric as text or tree, or one exact answer."""
    if "criteria" in raw:
        if "answer" in raw:
            findings.add("FG116", ("answer",), f"task {name} has criteria and an answer", "keep one of them")
        return _criteria([*_listed(raw["criteria"], ("criteria",), "")], name, findings), None
    key = "rubric" if "rubric" in raw else "answer"
    right = raw.get(key)
    if "problem" in raw or key == "rubric":
        try:
            tree = json.loads(right) if isinstance(right, str) else right
        except (ValueError, RecursionError) as fault:
            findings.add("FG103", (key,), f"task {name}: {key} is not JSON: {fault}"[:300])
            return (), None
        path: Path = (key,) if not isinstance(right, str) else ()
        found = [*_walk(tree, path, "", MOST_DEPTH)] if isinstance(tree, Mapping) else []
        return _criteria(found, name, findings), None
    if isinstance(right, str | int | float) and not isinstance(right, bool) and str(right).strip():
        return (), str(right).strip()
    findings.add("FG112", (key,) if key in raw else (), f"task {name} has neither criteria nor an answer")
    return (), None


def _walk(tree: Any, path: Path, section: str, depth: int) -> Iterator[Found]:
    """The criteria of a rubric, in order; the nearest section's id wins."""
    if not isinstance(tree, Mapping) or depth == 0:
        return
    yield from _listed(tree.get("criteria", ()), (*path, "criteria"), section)
    sections = tree.get("sections", ())
    for number, inner in enumerate(sections if isinstance(sections, list) else ()):
        name = str(inner.get("id", section)) if isinstance(inner, Mapping) else section
        yield from _walk(inner, (*path, "sections", number), name, depth - 1)


def _listed(values: Any, path: Path, section: str) -> Iterator[Found]:
    for number, value in enumerate(values if isinstance(values, list) else ()):
        own = value.get("section") if isinstance(value, Mapping) else None
        yield Found((*path, number), value, str(own or section))


def _criteria(found: list[Found], name: str, findings: Findings) -> tuple[Criterion, ...]:
    made: dict[str, Criterion] = {}
    for number, one in enumerate(found, 1):
        criterion = _criterion(one, number, name, findings)
        if criterion is None:
            continue
        if criterion.id in made:
            findings.add("FG601", (*one.path, "id"), f"task {name}: criterion {criterion.id} is there twice")
        made[criterion.id] = criterion
    if len(made) == len(found) and not any(criterion.weight > 0 for criterion in made.values()):
        findings.add("FG603", ("criteria",), f"task {name} has no criterion of positive weight", "nothing could score")
    return tuple(made.values())


def _criterion(one: Found, number: int, task: str, findings: Findings) -> Criterion | None:
    value, path = one.value, one.path
    if not isinstance(value, Mapping):
        findings.add("FG113", path, f"task {task}: criterion {number} is not a map", "{weight: 5, requirement: ...}")
        return None
    name = str(value.get("id", f"c{number}"))
    told = f"task {task}, criterion {name}"
    if path[:1] == ("criteria",):
        _check_keys(value, CRITERION_KEYS, path, told, findings)
    weight, requirement = value.get("weight"), value.get("requirement")
    right = isinstance(weight, int | float) and not isinstance(weight, bool) and math.isfinite(weight)
    if not right:
        findings.add("FG602", (*path, "weight"), f"{told}: the weight is not a finite number")
    if not isinstance(requirement, str) or not requirement.strip():
        findings.add("FG112", (*path, "requirement"), f"{told}: the requirement is empty")
        return None
    return Criterion(id=name, weight=float(weight), requirement=requirement, section=one.section) if right else None  # type: ignore[arg-type]


def _extract(raw: Mapping[str, Any], answer: str | None, name: str, findings: Findings) -> Extract | None:
    """The task's own rule, else the last number for a number, else what follows `Answer:`."""
    if answer is None:
        return None
    if "extract" in raw:
        wrong = next(iter(problems(EXTRACT, raw["extract"])), "") or _bad_expression(raw["extract"])
        if wrong:
            findings.add("FG114", ("extract",), f"task {name}: {wrong}", "last_number, {regex: ...}, {pointer: ...}")
            return None
        return parse_rule(raw["extract"])
    try:
        float(answer.replace(",", ""))
    except ValueError:
        return ANSWER_LINE
    return Extract(last_number=True)


def _bad_expression(rule: Any) -> str:
    """What is wrong with the regex of a rule, if it has one."""
    try:
        re.compile(rule["regex"] if isinstance(rule, Mapping) and "regex" in rule else "")
    except (re.error, RecursionError, OverflowError) as fault:
        return f"not a regular expression: {fault}"
    return ""


def _check_keys(value: Mapping[str, Any], known: tuple[str, ...], path: Path, told: str, findings: Findings) -> None:
    for key in value:
        if key not in known and not str(key).startswith("x-"):
            findings.add("FG111", (*path, key), f"{told}: unknown key {key!r}", suggest(key, known))
