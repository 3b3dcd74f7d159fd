"""From a name to a TaskSet: which form a file has, its entries, its places; raises with everything that is wrong."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path as File
from typing import Any

from fusion_graph.errors import Diagnostic, PipelineError, UsageError
from fusion_graph.evals.task import Task, TaskSet
from fusion_graph.evals.taskfiles.places import find_place
from fusion_graph.evals.taskfiles.reading import Findings, read_task
from fusion_graph.graph.documents import parse
from fusion_graph.graph.yaml.places import Path, Place

DATA = File(__file__).parents[1] / "data"
MAX_BYTES = 64 << 20
SETS = ("sample", "sums")


def shipped() -> dict[str, File]:
    """The sets in the package, by name."""
    return {name: next(DATA.glob(f"{name}.*")) for name in SETS}


def locate(name: str) -> File:
    """The file that a name means: a shipped set, else a path. Raises UsageError with the nearest name."""
    known = shipped()
    path = known.get(name) or File(name)
    if path.is_file():
        return path
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"name a file, or one of the shipped sets: {', '.join(known)}"
    raise UsageError(f"there is no task file {name}", hint=hint)


def load(name: str) -> TaskSet:
    """A valid set. Raises UsageError when the file cannot be read, PipelineError with every mistake in it."""
    path = locate(name)
    try:
        with path.open("rb") as stream:
            source = stream.read(MAX_BYTES + 1)
    except OSError as fault:
        raise UsageError(f"{path} cannot be read: {fault.strerror}", hint="correct the path") from fault
    if len(source) > MAX_BYTES:
        raise UsageError(f"{path} is larger than {MAX_BYTES >> 20} MB", hint="cut it into several files")
    return read(source, str(path))


def read(source: bytes, file: str) -> TaskSet:
    """The tasks in these bytes. JSON and JSON lines begin with a brace; everything else is YAML."""
    findings = Findings(file, lambda _path: Place(1, 1))
    if source.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        form, tasks = _json(source, findings)
    else:
        form, tasks = "yaml", _yaml(source, findings)
    _check_ids(tasks, findings)
    if not tasks and not findings.found:
        findings.add("FG604", (), "there is no task in the file")
    if findings.found:
        raise PipelineError(findings.found)
    digest = hashlib.sha256(source).hexdigest()
    return TaskSet(name=File(file).stem, form=form, sha256=digest, tasks=tuple(tasks), total=len(tasks))


def _check_ids(tasks: list[Task], findings: Findings) -> None:
    seen: set[str] = set()
    for number, task in enumerate(tasks, 1):
        if task.id in seen:
            findings.found.append(
                Diagnostic(code="FG601", message=f"task {task.id} is there twice (no. {number})", file=findings.file)
            )
        seen.add(task.id)


# --- YAML -----------------------------------------------------------------------------------------------------------


def _yaml(source: bytes, findings: Findings) -> list[Task]:
    document, faults = parse(source)
    if faults:
        findings.found += [
            Diagnostic(
                code=f.code, message=f.message, hint=f.hint, file=findings.file, line=f.place.line, col=f.place.col
            )
            for f in faults
        ]
        return []
    top: Path = ("tasks",) if isinstance(document.data, Mapping) else ()
    entries = document.data.get("tasks") if isinstance(document.data, Mapping) else document.data
    if not isinstance(entries, list):
        findings.add("FG604", (), "a task file is a list of tasks, or a map with `tasks`")
        return []
    tasks = []
    for number, entry in enumerate(entries):
        findings.place = lambda path, at=(*top, number): document.place((*at, *path)) or Place(1, 1)  # type: ignore[misc]
        tasks.append(read_task(entry, number + 1, findings, strict=True))
    return [task for task in tasks if task is not None]


# --- JSON -----------------------------------------------------------------------------------------------------------


def _json(source: bytes, findings: Findings) -> tuple[str, list[Task]]:
    """One object is a manifest, an object a line are a data set or exact answers."""
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError:
        findings.add("FG101", (), "the file is not UTF-8 text", "save it as UTF-8")
        return "", []
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) == 1 or not _is_whole(lines[0]):
        try:
            whole = json.loads(text)
        except (ValueError, RecursionError) as fault:
            _not_json(fault, 0, findings)
            return "", []
        if "tasks" in whole:
            return "manifest", _manifest(whole, text, findings)
    return _lines(text, findings)


def _is_whole(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _not_json(fault: Exception, line: int, findings: Findings) -> None:
    place = Place(line + getattr(fault, "lineno", 1), getattr(fault, "colno", 1))
    findings.place = lambda _path: place
    findings.add("FG103", (), f"this is not JSON: {getattr(fault, 'msg', 'nested too deep')}")


def _lines(text: str, findings: Findings) -> tuple[str, list[Task]]:
    tasks, draco = [], False
    for number, line in enumerate(text.split("\n")):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as fault:
            _not_json(fault, number, findings)
            continue
        draco = draco or (isinstance(entry, Mapping) and "problem" in entry)
        findings.place = lambda path, line=line, number=number: Place(number + 1, find_place(line, path).col)  # type: ignore[misc]
        tasks.append(read_task(entry, number + 1, findings, strict=not draco))
    return "draco" if draco else "exact", [task for task in tasks if task is not None]


def _manifest(whole: Mapping[str, Any], text: str, findings: Findings) -> list[Task]:
    entries = whole["tasks"]
    findings.place = lambda path: find_place(text, path)
    if not isinstance(entries, list):
        findings.add("FG604", ("tasks",), "`tasks` is not a list")
        return []
    tasks = []
    for number, entry in enumerate(entries):
        findings.place = lambda path, number=number: find_place(text, ("tasks", number, *path))  # type: ignore[misc]
        tasks.append(read_task(entry, number + 1, findings, strict=False))
    findings.place = lambda path: find_place(text, path)
    if whole.get("task_count", len(entries)) != len(entries):
        findings.add("FG605", ("task_count",), f"task_count says {whole['task_count']}, there are {len(entries)} tasks")
    ids = [str(entry.get("id")) for entry in entries if isinstance(entry, Mapping)]
    if "task_ids" in whole and whole["task_ids"] != ids:
        findings.add("FG605", ("task_ids",), "task_ids are not the ids of the tasks, in their order")
    return [task for task in tasks if task is not None]
