"""The report as one HTML page that needs nothing else: no script, no address, plots inside."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from fusion_graph.evals.report.document import Report
from fusion_graph.evals.report.plot_files import to_svg
from fusion_graph.evals.report.plots import plots
from fusion_graph.evals.report.summary import Line
from fusion_graph.figures import seconds, usd

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
td:not(:first-child) { white-space: nowrap; } td:nth-child(3) { text-align: left; }
.bar { display: inline-block; height: .8rem; background: #0072b2; vertical-align: middle; }
.mark { background: #fdf3d0; border: 1px solid #a87900; padding: .4rem .8rem; }
svg { max-width: 100%; height: auto; } dt { font-weight: 600; } dd { margin: 0 0 .4rem 1.2rem; }
"""
HEADS = ("arm", "score", "", "95 %", "difference", "cost", "calls", "p50", "p95", "coverage")


def page(report: Report) -> str:
    """The whole document."""
    return "\n".join(_page(report)) + "\n"


def _page(report: Report) -> Iterator[str]:
    title = f"{report.tasks.name}, {report.protocol.name}"
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>"
    yield f"<h1>{escape(title)}</h1>"
    if report.simulated:
        yield '<p class="mark">Simulated: every model and the judge. These figures mean nothing.</p>'
    yield from (f'<p class="mark">{escape(note)}</p>' for note in report.notes)
    if report.verdict:
        yield f"<p>{'Simulated: ' if report.simulated else ''}{escape(report.verdict)}</p>"
    yield "<table>\n<tr>" + "".join(f"<th>{head}</th>" for head in HEADS) + "</tr>"
    lines = sorted(report.summary.lines, key=lambda line: -1.0 if line.score is None else line.score, reverse=True)
    yield from (_row(line) for line in lines)
    yield f"</table>\n<p>Differences are against {escape(report.summary.reference)}, paired by task.</p>"
    yield "<ul>" + "".join(f"<li>{escape(told)}</li>" for told in report.against) + "</ul>"
    yield from (f"<figure>{to_svg(plot)}</figure>" for plot in plots(report).values())
    yield "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(told)}</dd>" for name, told in report.terms) + "</dl>"
    yield "</body>\n</html>"


def _row(line: Line) -> str:
    score = "none" if line.score is None else f"{line.score:.1f}"
    finite = math.isfinite(line.interval.low)
    cells = (
        escape(line.arm),
        score,
        f'<span class="bar" style="width: {(line.score or 0.0) / 10:.2f}rem"></span>',
        f"{line.interval.low:.1f} to {line.interval.high:.1f}" if finite else "?",
        "" if line.delta is None else f"{line.delta:+.1f}",
        usd(line.cost_usd),
        f"{line.calls:.1f}",
        seconds(line.p50_s),
        seconds(line.p95_s),
        f"{line.coverage:.1%}",
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
