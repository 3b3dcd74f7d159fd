"""Earlier runs in words: a table of them, one in full, two against each other."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from sqlite3 import Connection
from typing import Any

from fusion_graph import settings
from fusion_graph.commands import _console
from fusion_graph.commands._columns import columns, fill
from fusion_graph.commands._runs.timeline import LEGEND, timeline
from fusion_graph.engine.report import split
from fusion_graph.errors import FusionError
from fusion_graph.figures import count, seconds, several, usd
from fusion_graph.graph.drawing.diagram import Picture, picture
from fusion_graph.graph.drawing.terminal import to_terminal
from fusion_graph.store.database import changing, reading
from fusion_graph.store.history import AttemptLine, NodeLine, StoredRun, read_run, reply_of
from fusion_graph.store.journal import DAY_S, FILE, MB
from fusion_graph.store.listing import RunLine, find, find_run, find_series, line_of_series, list_all, list_runs
from fusion_graph.store.options import read_options
from fusion_graph.store.pruning import prune
from fusion_graph.store.series import NOUNS
from fusion_graph.store.tables import JOURNAL
from fusion_graph.wiring import pipelines

WIDTH = 100  # where there is no terminal to ask
TITLE = 36  # characters of a title in a table
MOST = 20  # runs of a series that are shown


def journal() -> AbstractContextManager[Connection]:
    """For queries. Raises UsageError where there is none."""
    return reading(settings.load().home / FILE, JOURNAL)


def stored(run: str) -> StoredRun:
    """A run by its id, the beginning of it, or `last`. Raises UsageError."""
    with journal() as connection:
        return read_run(connection, find_run(connection, run))


def listed(most: int, pipeline: str | None = None, series: str | None = None, *, apart: bool = False) -> list[RunLine]:
    """Single runs, and each series as a line; of one series its runs. Raises UsageError."""
    with journal() as connection:
        if series is not None:
            series = find_series(connection, series)
        if series is None and pipeline is None and not apart:
            return list_all(connection, most=most)
        return list_runs(connection, most=most, pipeline=pipeline, series=series, apart=apart)


def table(lines: Sequence[RunLine]) -> str:
    """The newest first."""
    head = ("run", "command", "pipeline", "state", "began", "took", "calls", "tokens", "cost")
    rows = [
        (
            line.id,
            line.command if line.is_run else f"{line.command}, {several(line.runs, 'run')}",
            line.pipeline if len(line.pipeline) <= TITLE else f"{line.pipeline[: TITLE - 3]}...",
            line.state + (f" ({line.reason})" if line.reason else ""),
            _when(line.began),
            seconds(line.seconds),
            str(line.attempts),
            count(line.tokens),
            usd(line.cost_usd),
        )
        for line in lines
    ]
    return columns([head, *rows], right=frozenset({5, 6, 7, 8}), width=_console.width())


def told(given: str) -> list[str]:
    """A run in full, or a series with its newest runs. Raises UsageError."""
    with journal() as connection:
        name, kind = find(connection, given)
        if kind == "runs":
            return shown(read_run(connection, name))
        line, runs = line_of_series(connection, name), list_runs(connection, most=MOST, series=name)
    if line is None:
        return [f"{name}: nothing was run"]
    head = f"{NOUNS.get(line.command, line.command)} {name}: {line.pipeline}, {_when(line.began)}"
    more = [f"and {line.runs - MOST} more: `fusiongraph runs list --of {name} -n {line.runs}`"]
    told = [*(more if line.runs > MOST else []), "", _closing(line, "")]
    return [head, "", table(runs), *(fill(text, _console.width(), "  ") for text in told)]


def shown(run: StoredRun) -> list[str]:
    """The graph with its states, the timeline, what was noted, one closing line."""
    line, screen = run.line, _console.width()
    width = screen or WIDTH
    lines = [f"run {line.id}: {line.pipeline}, {line.command}, {_when(line.began)}", ""]
    drawn = drawing(run)
    if drawn is not None:
        lines += [to_terminal(drawn, width).rstrip(), ""]
    else:
        lines += [*(f"{node.node}: {node.state} {node.reason}".rstrip() for node in run.nodes), ""]
    lines += timeline(run.attempts, line.seconds, width)
    lines += ["", fill(LEGEND, screen)] if run.attempts else []
    lines += [fill(f"degraded: {note['node']}: {note['reason']}: {note['action']}", screen, "  ") for note in run.notes]
    ended = [attempt for attempt in run.attempts if attempt.state != "started"]
    useful, wasted = split((attempt.state == "ok", attempt.usage, attempt.cost_usd) for attempt in ended)
    closing = _closing(line, f" ({usd(useful.cost_usd)} useful, {usd(wasted.cost_usd)} wasted)")
    return [*lines, fill(closing, screen, "  ")]


def _closing(line: RunLine, how: str) -> str:
    tries = f", {several(line.tries, 'try').replace('trys', 'tries')}" if line.tries > 1 else ""
    return (
        f"{line.state} after {seconds(line.seconds)}{tries}, {several(line.attempts, 'attempt')}, "
        f"{count(line.tokens)} tokens, {usd(line.cost_usd)}{how}"
    )


def drawing(run: StoredRun) -> Picture | None:
    """The pipeline as it was run, coloured by what happened; None if this version cannot read it any more."""
    try:
        pipeline = pipelines.load(json.loads(run.source))
        known = {name: value for name, value in run.params.items() if name in pipeline.params}
        bound = pipelines.bind(pipeline, known)
    except (FusionError, ValueError):
        return None
    return picture(bound, endings(run))


def endings(run: StoredRun) -> dict[str, tuple[str, str, float | None, float | None]]:
    """State, reason, seconds and dollars by node."""
    spent: dict[str, list[float | None]] = {}
    for attempt in run.attempts:
        spent.setdefault(attempt.node, []).append(attempt.cost_usd)
    found = {}
    for node in run.nodes:
        took = node.ended - node.began if node.began is not None and node.state != "skipped" else None
        parts = spent.get(node.node, [])
        cost = None if None in parts else sum(c or 0.0 for c in parts)
        found[node.node] = (node.state, node.reason, took, cost if parts else None)
    return found


def document(connection: Connection, given: str) -> dict[str, Any]:
    """Of a run everything; of a series its lines, and everything of each of its runs. Raises UsageError."""
    name, kind = find(connection, given)
    if kind == "runs":
        return exported(connection, read_run(connection, name))
    line = line_of_series(connection, name)
    runs = list_runs(connection, most=-1, series=name)
    lines = connection.execute("SELECT body FROM lines WHERE series = ? ORDER BY number", (name,)).fetchall()
    return {
        "series": asdict(line) if line is not None else None,
        "lines": [json.loads(row["body"]) for row in lines],
        "runs": [exported(connection, read_run(connection, one.id)) for one in reversed(runs)],
    }


def exported(connection: Connection, run: StoredRun) -> dict[str, Any]:
    """Everything, with replies in place of their digests."""
    attempts = []
    for attempt in run.attempts:
        told, reply = asdict(attempt), reply_of(connection, attempt)
        attempts.append({**told, "reply": json.loads(reply) if reply else None})
    return {
        "run": asdict(run.line),
        "file": run.file,
        "pipeline": json.loads(run.source),
        "params": run.params,
        "messages": json.loads(run.messages),
        "nodes": [asdict(node) for node in run.nodes],
        "attempts": attempts,
        "notes": list(run.notes),
        "tools": list(run.tools),
        "result": run.document,
    }


def pruned(days: float | None, max_mb: float | None) -> str:
    """What was forgotten, in words. Raises UsageError when the journal cannot be opened."""
    setup = settings.load()
    options = read_options(setup.store)
    before = time.time() - (options.keep_days if days is None else days) * DAY_S
    most = int((options.max_mb if max_mb is None else max_mb) * MB)
    path = setup.home / FILE
    if not path.exists():
        return "0 runs forgotten"
    with changing(path, JOURNAL) as connection:
        gone = prune(connection, before=before, max_bytes=most)
    whose = " and ".join(several(number, NOUNS.get(name, name)) for name, number in sorted(gone.series.items()))
    part = "all" if gone.of_series == gone.runs else f"{gone.of_series} of them"
    return f"{several(gone.runs, 'run')} forgotten" + (f", {part} of {whose}" if gone.series else "")


# --- two against each other -------------------------------------------------------------------------------------------


def differences(connection: Connection, one: str, other: str) -> list[str]:
    """A line for each thing that is not the same."""
    a, b = (read_run(connection, find_run(connection, name)) for name in (one, other))
    lines = [*_plain(a, b)]
    before, after = {n.node: n for n in a.nodes}, {n.node: n for n in b.nodes}
    for name in dict.fromkeys([*before, *after]):
        lines += _node(name, before.get(name), after.get(name))
    calls = _calls(a.attempts), _calls(b.attempts)
    for key in dict.fromkeys([*calls[0], *calls[1]]):
        lines += _call(connection, key, calls[0].get(key), calls[1].get(key))
    answers = [(run.document or {}).get("answer") for run in (a, b)]
    if answers[0] != answers[1]:
        lines.append(f"answer: {_clip(answers[0])} -> {_clip(answers[1])}")
    return lines


def _plain(a: StoredRun, b: StoredRun) -> Iterator[str]:
    if a.source != b.source:
        yield f"pipeline: {a.line.pipeline} -> {b.line.pipeline}" + (
            ", another text" if a.line.pipeline == b.line.pipeline else ""
        )
    for name in dict.fromkeys([*a.params, *b.params]):
        if a.params.get(name) != b.params.get(name):
            yield f"params.{name}: {a.params.get(name)!r} -> {b.params.get(name)!r}"
    if a.messages != b.messages:
        yield "prompt: another one"
    if a.line.state != b.line.state:
        yield f"state: {a.line.state} -> {b.line.state}"
    if a.line.cost_usd != b.line.cost_usd:
        yield f"cost: {usd(a.line.cost_usd)} -> {usd(b.line.cost_usd)}"
    if seconds(a.line.seconds) != seconds(b.line.seconds):
        yield f"time: {seconds(a.line.seconds)} -> {seconds(b.line.seconds)}"


def _node(name: str, a: NodeLine | None, b: NodeLine | None) -> Iterator[str]:
    if a is None or b is None:
        yield f"{name}: only in the {'second' if a is None else 'first'}"
    elif (a.state, a.reason) != (b.state, b.reason):
        yield f"{name}: {a.state} {a.reason}".rstrip() + f" -> {b.state} {b.reason}".rstrip()
    elif a.chosen != b.chosen:
        yield f"{name}: chose {', '.join(a.chosen)} -> {', '.join(b.chosen)}"


def _calls(attempts: Sequence[AttemptLine]) -> Mapping[tuple[str, int], AttemptLine]:
    """The last attempt of each call."""
    return {(attempt.node, attempt.call): attempt for attempt in attempts}


def _call(connection: Connection, key: tuple[str, int], a: AttemptLine | None, b: AttemptLine | None) -> Iterator[str]:
    name = key[0] + (f" #{key[1] + 1}" if key[1] else "")
    if a is None or b is None:
        yield f"{name}: called only in the {'second' if a is None else 'first'}"
    elif a.digest != b.digest:
        yield f"{name}: was sent something else" + (f" ({a.model} -> {b.model})" if a.model != b.model else "")
    elif a.reply != b.reply:
        texts = [_clip(_text(reply_of(connection, attempt))) for attempt in (a, b)]
        yield f"{name}: the same call, another reply: {texts[0]} -> {texts[1]}"


def _text(reply: str) -> str | None:
    return json.loads(reply).get("text") if reply else None


def _clip(text: str | None) -> str:
    if text is None:
        return "none"
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= 60 else flat[:57] + "...")


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
