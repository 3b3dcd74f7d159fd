"""The report of an eval in the terminal: the bar table, what stands beside it, and where pages and plots went."""

from __future__ import annotations

import io
import json
import math
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fusion_graph.commands import _console
from fusion_graph.commands._figures import columns, count, seconds, several, usd
from fusion_graph.errors import UsageError
from fusion_graph.evals.report.document import Report, document
from fusion_graph.evals.report.summary import Line

if TYPE_CHECKING:
    from fusion_graph.commands._lab import Lab

BAR = 20  # cells at 100
WIDEST, WIDE, NARROW = 120, 112, 90  # columns of the table: at most, with whole bars, with all of its columns
EXTRA = ("", "95 %", "calls", "p95")
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
        screen = shutil.get_terminal_size().columns if _console.is_terminal(sys.stdout) else WIDEST + len(lab.mark)
        width = min(WIDEST, screen - len(lab.mark))
        lab.out("\n".join(text(report, unicode=_console.takes_unicode(), width=width)))
    for name in _write(report, wanted):
        lab.err(f"written: {name}")
    spent = "cost unknown" if report.spent_usd is None else usd(report.spent_usd)
    kept = f"; eval {report.journal}" if report.journal else ""
    lab.err(f"{several(report.calls, 'call')} made now, {spent}{kept}")


def text(report: Report, *, unicode: bool = True, width: int = WIDEST) -> Iterator[str]:
    """The report, line by line."""
    what = "solo and shapes" if any(line.role == "solo" for line in report.summary.lines) else "arms"
    yield f"{what.capitalize()}, scored on {several(report.summary.tasks, 'task')}"
    yield ""
    yield from table(report, unicode=unicode, width=width)
    yield ""
    yield columns(_details(report), right=frozenset(range(1, 9)))
    yield ""
    yield from _against(report)
    yield from _parts(report)
    yield from _members(report)
    if report.verdict:
        yield report.verdict
        yield ""
    yield columns([(name, told) for name, told in report.terms])
    for note in report.notes:
        yield f"note: {note}"


def table(report: Report, *, unicode: bool, width: int = WIDEST) -> list[str]:
    """One row per arm, the best first. A narrow screen gets short bars, then none, then fewer columns."""
    from rich.console import Console
    from rich.table import Table

    lines = sorted(report.summary.lines, key=lambda line: -1.0 if line.score is None else line.score, reverse=True)
    bar = BAR if width >= WIDE else max(0, min(BAR, width - WIDE + BAR))
    against = f"vs {_short(report.summary.reference)}"
    shown = [head for head in _heads(against) if width >= NARROW or head not in EXTRA]
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    for head in shown:
        wraps = head in ("arm", against)
        made.add_column(head, justify="left" if wraps or not head else "right", no_wrap=not wraps, max_width=34)
    for line in lines:
        cells = _cells(line, bar, against, unicode=unicode)
        made.add_row(*(cells[head] for head in shown))
    target = io.StringIO()
    Console(file=target, width=width, highlight=False, markup=False, color_system=None, emoji=False).print(made)
    return [row.rstrip() for row in target.getvalue().rstrip("\n").split("\n")]


def _heads(against: str) -> tuple[str, ...]:
    return ("arm", "score", "", "95 %", against, "cost", "calls", "p50", "p95")


def _cells(line: Line, bar: int, against: str, *, unicode: bool) -> dict[str, str]:
    return {
        "arm": line.arm,
        "score": "none" if line.score is None else f"{line.score:.1f}",
        "": _bar(line.score, bar, unicode=unicode),
        "95 %": _interval(line.interval.low, line.interval.high),
        against: _delta(line, unicode=unicode),
        "cost": usd(line.cost_usd),
        "calls": f"{line.calls:.1f}",
        "p50": seconds(line.p50_s),
        "p95": seconds(line.p95_s),
    }


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


def _parts(report: Report) -> Iterator[str]:
    """Axes and domains, where there are several."""
    for title, of in (("axis", "axes"), ("domain", "domains")):
        names = list(dict.fromkeys(name for line in report.summary.lines for name in getattr(line, of)))
        if len(names) > 1:
            rows = [(title, *names)]
            for line in report.summary.lines:
                found = getattr(line, of)
                rows.append((line.arm, *(f"{found[name]:.1f}" if name in found else "-" for name in names)))
            yield columns(rows, right=frozenset(range(1, len(names) + 1)))
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
