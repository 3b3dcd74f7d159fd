"""`python -m benchmarks [SUBJECT]... [--quick]`: every row as a ratio to bare asyncio or aiohttp code that makes the
same calls with the same prompts, measured here and now, side by side. Exits with 1 when a gate is missed.

`--quick` runs everything once with tiny sizes: it shows that the programs work, its figures mean nothing.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks import cold, dag, evals, fusion, journal, server, upstream, wall
from benchmarks.measure import Row
from fusion_graph.engine import attempts

SUBJECTS: Mapping[str, Callable[..., Iterator[Row]]] = {
    "fusion": fusion.rows,
    "dag": dag.rows,
    "wall": wall.rows,
    "upstream": upstream.rows,
    "journal": journal.rows,
    "server": server.rows,
    "cold": cold.rows,
    "evals": evals.rows,
}
WIDTH = 64


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.split("\n\n")[0] if __doc__ else ""
    )
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of: {', '.join(SUBJECTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, once: does it run at all?")
    told = parser.parse_args(arguments)
    if unknown := set(told.subjects) - SUBJECTS.keys():
        parser.error(f"there is no subject {', '.join(sorted(unknown))}; choose from {', '.join(SUBJECTS)}")
    print(f"engine: {'interpreted' if attempts.__file__.endswith('.py') else 'compiled'}")
    print(f"CPython {platform.python_version()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    print(f"{'':{WIDTH}}    goal    gate  measured")
    missed = 0
    for name in told.subjects or SUBJECTS:
        for row in SUBJECTS[name](quick=told.quick):
            verdict = "" if told.quick else row.verdict
            print(_line(row, verdict), flush=True)
            missed += verdict == "MISSED"
    if missed:
        print(f"{missed} rows miss their gate")
    return int(missed > 0)


def _line(row: Row, verdict: str) -> str:
    goal, gate = ("" if bound is None else f"{bound:g}{row.unit}" for bound in (row.goal, row.gate))
    note = f"  ({row.note})" if row.note else ""
    return f"{row.subject:{WIDTH}} {goal:>7} {gate:>7} {row.measured:>8.4g}{row.unit:4} {verdict:6}{note}"


if __name__ == "__main__":
    sys.exit(main())
