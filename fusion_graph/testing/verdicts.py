"""What of a run is otherwise than its test expects. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fusion_graph.engine.report import RunResult
from fusion_graph.graph.pipeline_tests import Expected, Wanted


def differences(expect: Expected, result: RunResult) -> Iterator[str]:
    """Each in a line; none = the test passed."""
    if expect.state is not None and expect.state != result.state:
        yield f"the run is {_state(result)}, not {expect.state}"
    error = result.error.reason if result.error else None
    if expect.error is not None and expect.error != error:
        yield f"the run's error is {error or 'none'}, not {expect.error}"
    if expect.answer is not None:
        yield from _answer(expect.answer, result.answer.text if result.answer else None)
    states = {node.id: (node.state, node.reason) for node in result.nodes}
    for name, wanted in expect.nodes.items():
        state, reason = states[name]
        told = f"{state} {reason}".strip()
        if wanted not in (state, told):
            yield f"{name} is {told}, not {wanted}"
    if expect.degraded is not None:
        yield from _degraded(expect.degraded, tuple((entry.node, entry.reason) for entry in result.degraded))
    for name in ("calls", "attempts"):
        wanted, made = getattr(expect, name), sum(getattr(node, name) for node in result.nodes)
        if wanted is not None and wanted != made:
            yield f"{made} {name}, not {wanted}"


def _state(result: RunResult) -> str:
    if result.error is not None:
        return f"failed ({result.error.message})".replace("\n ", ";")
    told = ", ".join(f"{entry.node} {entry.reason}" for entry in result.degraded)
    return f"{result.state} ({told})" if told else result.state


def _answer(wanted: Wanted, text: str | None) -> Iterator[str]:
    if text is None:
        yield "there is no answer"
        return
    if wanted.equals is not None and text != wanted.equals:
        yield f"the answer is {_short(text)}, not {_short(wanted.equals)}"
    if wanted.matches is not None and not re.search(wanted.matches, text):
        yield f"the answer {_short(text)} does not match {_short(wanted.matches)}"
    if wanted.contains is not None and wanted.contains not in text:
        yield f"the answer {_short(text)} does not contain {_short(wanted.contains)}"


def _degraded(wanted: tuple[tuple[str, str], ...], found: tuple[tuple[str, str], ...]) -> Iterator[str]:
    yield from (f"not degraded: {node} {reason}" for node, reason in wanted if (node, reason) not in found)
    yield from (f"degraded: {node} {reason}" for node, reason in found if (node, reason) not in wanted)
    if sorted(wanted) == sorted(found) and wanted != found:
        yield f"degraded in another order: {', '.join(f'{node} {reason}' for node, reason in found)}"


def _short(text: str) -> str:
    told = repr(text)
    return told if len(told) <= 120 else f"{told[:117]}..."
