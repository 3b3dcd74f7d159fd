"""What earlier runs of a pipeline really took, beside the bounds of its plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from fusion_graph.commands._columns import columns
from fusion_graph.commands._runs import histories
from fusion_graph.figures import count, seconds, several, usd
from fusion_graph.store.listing import RunLine, list_runs

LOOKED_AT = 1000  # the newest runs


class Span(NamedTuple):
    least: float
    median: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """`runs` that came to an answer in one try, `of` so many that were looked at. Spans of calls, tokens, cost_usd (of
    runs with known prices) and seconds."""

    runs: int
    of: int
    spans: Mapping[str, Span]

    def to_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {"runs": self.runs, "of": self.of, **{name: span._asdict() for name, span in self.spans.items()}}


def earlier(pipeline: str) -> Earlier:
    """Of runs of this name. Raises UsageError where there is no journal."""
    with histories.journal() as connection:
        return sum_up(list_runs(connection, most=LOOKED_AT, pipeline=pipeline))


def sum_up(lines: Sequence[RunLine]) -> Earlier:
    done = [line for line in lines if line.state in ("ok", "degraded") and line.tries == 1]
    figures: Mapping[str, list[float]] = {
        "calls": [line.attempts for line in done],
        "tokens": [line.tokens for line in done],
        "cost_usd": [line.cost_usd for line in done if line.cost_usd is not None],
        "seconds": [line.seconds for line in done],
    }
    spans = {name: Span(min(each), median(each), max(each)) for name, each in figures.items() if each}
    return Earlier(runs=len(done), of=len(lines), spans=spans)


def lines_of(found: Earlier) -> list[str]:
    """A small table."""
    if not found.runs:
        return ["no run of this pipeline in the journal has come to an answer yet"]
    shown: Mapping[str, Callable[[float], str]] = {
        "calls": lambda number: f"{number:g}",
        "tokens": lambda number: count(round(number)),
        "cost_usd": usd,
        "seconds": seconds,
    }
    rows = [("earlier", *Span._fields)]
    for name, tell in shown.items():
        if name in found.spans:
            least, middle, most = map(tell, found.spans[name])
            rows.append((name.partition("_")[0], least, middle, most))
    title = f"{several(found.runs, 'run')} with an answer, of the last {found.of} in the journal:"
    return [title, columns(rows, right=frozenset({1, 2, 3}))]
