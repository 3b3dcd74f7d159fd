"""The report of an eval in the terminal: the bar table, what stands beside it, and where pages and plots went."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fusion_graph.commands import _console
from fusion_graph.commands._columns import columns, fill
from fusion_graph.errors import UsageError
from fusion_graph.evals.report.document import Report, document
from fusion_graph.evals.report.summary import Line
from fusion_graph.figures import count, seconds, several, usd

if TYPE_CHECKING:
    from fusion_graph.commands._eval.lab import Lab

BAR, SHORTEST = 20, 8  # cells at 100
NAME = 34  # characters of an arm's name in a line
NUMBERS = frozenset({1, 3, 4, 5, 6, 7, 8})
STAR, MAYBE = "\u2605", "\u2606"


class Output(NamedTuple):
    """What is wanted beside the table, or in its place."""

    as_json: bool = False
    html: str | None = None
    plots: str | None = None


TABLE = Output()


def show(report: Report, wanted: Output, lab: Lab) -> None:
    """Print it as asked, and write the files."""
    if wanted.as_json:
        _console.out(json.dumps(document(report), indent=2, allow_nan=False, ensure_ascii=True))
    else:
        lab.out("\n".join(text(report, unicode=_console.takes_unicode(), width=lab.width)))
    for name in _write(report, wanted):
        lab.err(f"written: {name}")
    spent = "cost unknown" if report.spent_usd is None else usd(report.spent_usd)
    kept = f"; eval {report.journal}" if report.journal else ""
    lab.err(f"{several(report.calls, 'call')} made now, {spent}{kept}")


def text(report: Report, *, unicode: bool = True, width: int = 0) -> Iterator[str]:
    """The report, line by line; none is longer than `width` (0 = any will do)."""
    what = "solo and shapes" if any(line.role == "solo" for line in report.summary.lines) else "arms"
    yield f"{what.capitalize()}, scored on {several(report.summary.tasks, 'task')}"
    yield ""
    yield table(report, unicode=unicode, width=width)
    yield ""
    yield columns(_details(report), right=frozenset(range(1, 9)), width=width)
    yield ""
    yield from (fill(line, width) for line in _against(report))
    yield from _parts(report, width)
    yield from (fill(line, width) for line in _members(report))
    if report.verdict:
        yield fill(report.verdict, width)
        yield ""
    yield columns([(name, told) for name, told in report.terms], width=width)
    for note in report.notes:
        yield fill(f"note: {note}", width, "  ")


def table(report: Report, *, unicode: bool, width: int = 0) -> str:
    """One row per arm, the best first. Bars are as long as there is room beside the numbers."""
    lines = sorted(report.summary.lines, key=lambda line: -1.0 if line.score is None else line.score, reverse=True)
    against = f"vs {_short(report.summary.reference)}"
    head = ("arm", "score", "", "95 %", against, "cost", "calls", "p50", "p95")
    plain = columns([head, *(_row(line, 0, unicode=unicode) for line in lines)], right=NUMBERS)
    room = width - max(map(len, plain.split("\n")))
    bar = room if width and SHORTEST <= room < BAR else BAR
    return columns([head, *(_row(line, bar, unicode=unicode) for line in lines)], right=NUMBERS, width=width)


def _row(line: Line, bar: int, *, unicode: bool) -> tuple[str, ...]:
    return (
        "\n".join(textwrap.wrap(line.arm, NAME, break_on_hyphens=False)),
        "none" if line.score is None else f"{line.score:.1f}",
        _bar(line.score, bar, unicode=unicode),
        _interval(line.interval.low, line.interval.high),
        _delta(line, unicode=unicode),
        usd(line.cost_usd),
        f"{line.calls:.1f}",
        seconds(line.p50_s),
        seconds(line.p95_s),
    )


def _bar(score: float | None, cells: int, *, unicode: bool) -> str:
    return ("\u2588" if unicode else "#") * round(cells * (score or 0.0) / 100)


def _interval(low: float, high: float) -> str:
    return f"{low:.1f}..{high:.1f}" if math.isfinite(low) else "?"


def _delta(line: Line, *, unicode: bool) -> str:
    """A star: above the best solo. A hollow one: above it, but chance could have done that."""
    if line.delta is None:
        return ""
    star = "" if line.delta <= 0 else STAR if line.better else MAYBE
    if star and not unicode:
        star = "*" if line.better else "(*)"
    return f"{star} {line.delta:+.1f}".strip()


def _short(name: str) -> str:
    return "best solo" if name.endswith("(solo)") or "(solo) #" in name else name


def _details(report: Report) -> list[tuple[str, ...]]:
    """What the protocol says beside the score, and how much of it is there."""
    rows: list[tuple[str, ...]] = [
        ("arm", "SD", "judge noise", "correct", "pass rate", "verdicts", "by weight", "scored", "degraded")
    ]
    for line in report.summary.lines:
        h = line.headline
        shares = (None if h.correct is None else 100 * h.correct, line.pass_rate)
        numbers = [_number(value) for value in (h.sd, h.judge_noise, *shares)]
        found = (f"{line.coverage:.1%}", f"{line.weight_coverage:.1%}", f"{h.scored}/{h.planned}", str(line.degraded))
        rows.append((line.arm, *numbers, *found))
    return rows


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _against(report: Report) -> Iterator[str]:
    yield from report.against
    if any(line.delta is not None for line in report.summary.lines):
        yield f"Deltas are against {report.summary.reference}, paired by task."
        yield f"{STAR} or *: the interval lies above 0. {MAYBE} or (*): chance could have done it."
        yield ""
    elif report.against:
        yield ""


def _parts(report: Report, width: int) -> Iterator[str]:
    """Axes and domains, where there are several."""
    for title, of in (("axis", "axes"), ("domain", "domains")):
        names = list(dict.fromkeys(name for line in report.summary.lines for name in getattr(line, of)))
        if len(names) > 1:
            rows = [(title, *names)]
            for line in report.summary.lines:
                found = getattr(line, of)
                rows.append((line.arm, *(f"{found[name]:.1f}" if name in found else "-" for name in names)))
            yield columns(rows, right=frozenset(range(1, len(names) + 1)), width=width)
            yield ""


def _members(report: Report) -> Iterator[str]:
    for one in report.without:
        span = _interval(one.interval.low, one.interval.high)
        yield f"{one.arm} without {one.model}: {one.delta:+.1f} ({span}) over {count(one.tasks)} answers"
    told = {one.arm for one in report.without}
    silent = [name for name in report.panels if name not in told]
    if silent:
        yield f"Leave-one-out of {', '.join(silent)}: later nodes would have to be asked anew; nothing is recorded."
    if report.panels:
        yield ""


def check_places(wanted: Output) -> None:
    """Can the files be written? Asked before anything is spent. Raises UsageError."""
    try:
        if wanted.plots:
            Path(wanted.plots).mkdir(parents=True, exist_ok=True)
        if wanted.html:
            with Path(wanted.html).open("a"):
                pass
    except OSError as fault:
        raise _unwritable(fault) from fault


def _unwritable(fault: OSError) -> UsageError:
    return UsageError(f"{fault.filename} cannot be written: {fault.strerror}", hint="name another place")


def _write(report: Report, wanted: Output) -> Iterator[str]:
    from fusion_graph.evals.report.page import page
    from fusion_graph.evals.report.plot_files import to_png, to_svg
    from fusion_graph.evals.report.plots import plots

    try:
        if wanted.html:
            Path(wanted.html).write_text(page(report), "utf-8")
            yield wanted.html
        if wanted.plots:
            folder = Path(wanted.plots)
            for name, plot in plots(report).items():
                (folder / f"{name}.svg").write_text(to_svg(plot), "utf-8")
                yield str(folder / f"{name}.svg")
                (folder / f"{name}.png").write_bytes(to_png(plot))
                yield str(folder / f"{name}.png")
    except OSError as fault:
        raise _unwritable(fault) from fault
