"""The tests of pipelines on the command line: where they stand, running all of them, and telling how they went."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusion_graph.commands._columns import fill
from fusion_graph.errors import Diagnostic, PipelineError, UsageError
from fusion_graph.graph import reader
from fusion_graph.graph.pipeline_tests import BESIDE, PipelineTest, is_tests
from fusion_graph.kinds import KINDS
from fusion_graph.pipeline import Pipeline
from fusion_graph.testing.running import run_test
from fusion_graph.wiring import pipelines


@dataclass(frozen=True, slots=True)
class Found:
    """A pipeline with its tests."""

    file: str
    pipeline: Pipeline
    tests: tuple[PipelineTest, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """How one test went."""

    file: str
    name: str
    differs: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        return {"file": self.file, "test": self.name, "passed": not self.differs, "differs": list(self.differs)}


def find_all(names: Sequence[str]) -> list[Found]:
    """Each pipeline once, also where it was named together with the file of tests beside it."""
    found = [find_tests(name) for name in names]
    return list({Path(one.file).resolve(): one for one in found}.values())


def find_tests(name: str) -> Found:
    """Of a pipeline, or of the file beside one. Raises UsageError or PipelineError with every mistake."""
    path = pipelines.locate(name)
    if is_tests(path):
        path = path.with_name(path.stem.removesuffix(BESIDE) + path.suffix)
        if not path.is_file():
            raise UsageError(f"{name} stands beside no pipeline", hint=f"it tests {path}, which is not there")
    reading = pipelines.read(str(path))
    if reading.pipeline is None:
        raise PipelineError([d for d in reading.diagnostics if d.severity == "error"])
    tests = reading.tests
    for beside in sorted(path.with_name(f"{path.stem}{BESIDE}{suffix}") for suffix in pipelines.SUFFIXES):
        if beside.is_file():
            tests += _beside(beside, reading.pipeline)
    if not tests:
        hint = f"write `tests:` in it, or beside it in {path.stem}{BESIDE}{path.suffix}"
        raise UsageError(f"{name} has no tests", hint=hint)
    return Found(str(path), reading.pipeline, tests)


def check_tests(name: str) -> Sequence[Diagnostic]:
    """What is wrong with a file of tests, or with the pipeline it tests. Raises UsageError if there is none."""
    try:
        find_tests(name)
    except PipelineError as error:
        return error.diagnostics
    return ()


def _beside(file: Path, pipeline: Pipeline) -> tuple[PipelineTest, ...]:
    with file.open("rb") as stream:
        source = stream.read(pipelines.MAX_BYTES)
    return reader.load_tests(source, file=str(file), pipeline=pipeline, kinds=KINDS)


async def run_tests(found: Sequence[Found]) -> list[Told]:
    """One after the other; each begins at the same state of chance, as the waits before retries are random."""
    verdicts = []
    for one in found:
        for test in one.tests:
            random.seed(0)
            verdict = await run_test(one.pipeline, test)
            verdicts.append(Told(one.file, verdict.name, verdict.differs))
    return verdicts


def told(verdicts: Sequence[Told], width: int = 0) -> str:
    """A line per test, what differs below it, and a count; for a screen of `width` (0 = any)."""
    lines = []
    for verdict in verdicts:
        head = f"{'FAIL' if verdict.differs else 'ok':<4}  {Path(verdict.file).stem}: {verdict.name}"
        lines += [fill(line, width, " " * 8) for line in (head, *(f"      {line}" for line in verdict.differs))]
    failed = sum(bool(verdict.differs) for verdict in verdicts)
    lines.append(f"{len(verdicts) - failed} passed" + (f", {failed} failed" if failed else ""))
    return "\n".join(lines)
