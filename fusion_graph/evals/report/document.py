"""Everything an eval has to say, as one value; and as plain JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fusion_graph.evals.hygiene.leaks import HOSTS
from fusion_graph.evals.hygiene.selftest import SelfTest
from fusion_graph.evals.protocols.protocol import Protocol
from fusion_graph.evals.report.summary import Line, Summary, front
from fusion_graph.evals.running.judging import Judging
from fusion_graph.evals.running.leaving import Without
from fusion_graph.evals.task import TaskSet
from fusion_graph.jsontext import plain

FORMAT = 1
LOW_COVERAGE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The table, and what it must not be read without."""

    summary: Summary
    protocol: Protocol
    judging: Judging | None
    tasks: TaskSet
    runs: int
    simulated: bool
    prices_date: str
    spent_usd: float | None  # by this process; None where a price is unknown
    calls: int
    journal: str
    warnings: tuple[str, ...] = ()
    selftest: SelfTest | None = None
    without: tuple[Without, ...] = ()
    web: tuple[str, ...] = ()  # arms whose models may use tools of the web
    panels: tuple[str, ...] = ()  # arms with several models, so that one may be left out
    cut: bool = False  # the budget ended it

    @property
    def terms(self) -> list[tuple[str, str]]:
        """Under which a figure holds: protocol, judge, data, prices."""
        told = [("protocol", f"{self.protocol.name}: {self.protocol.summary}")]
        if self.judging is not None:
            j = self.judging
            told.append(
                (
                    "judge",
                    f"{j.model}, {j.passes} pass{'es' * (j.passes != 1)}, prompt {j.prompt_hash} in our own words",
                )
            )
            told.append(("variant", j.variant or "none: as the protocol says"))
        tasks = f"{self.summary.tasks} of {self.tasks.total} of {self.tasks.name} ({self.tasks.form})"
        told.append(
            (
                "tasks",
                f"{tasks}{', a SUBSET' if self.tasks.subset else ''}, {self.runs} run{'s' * (self.runs > 1)} each",
            )
        )
        told += [("data", f"sha256 {self.tasks.sha256[:16]}"), ("SD", self.protocol.sd)]
        told.append(("prices", f"as of {self.prices_date}; costs are what an arm costs alone"))
        if self.web:
            kept = f"blocked: {', '.join(HOSTS)}" if self.tasks.public else "nothing is blocked but by settings"
            told.append(("web", f"tools in {', '.join(self.web)}; {kept}; search at a provider may ignore it"))
        if self.selftest is not None:
            told.append(("self-test", self.selftest.told))
        return told

    @property
    def notes(self) -> list[str]:
        """What must be said beside the table."""
        told = list(self.warnings)
        thin = [line.arm for line in self.summary.lines if line.runs and line.coverage < LOW_COVERAGE and line.answered]
        if thin and self.judging is not None:
            told.append(f"fewer than {LOW_COVERAGE:.0%} of the verdicts are there for {', '.join(thin)}")
        words = {"transport": "lost on the way", "wrong_panel": "short of a member or a writer"}
        for line in self.summary.lines:
            if line.endings:
                ended = ", ".join(f"{count} {words.get(name, name)}" for name, count in line.endings.items())
                told.append(f"{line.arm}: of {line.runs} answers {ended}")
        if self.cut:
            told.append("the budget ended this eval: figures are of what was finished")
        for line in self.summary.lines:
            if line.leaks:
                clean = "none" if line.mean_without_leaks is None else f"{line.mean_without_leaks:.1f}"
                told.append(f"{line.arm}: {line.leaks} answers know of the benchmark; without them {clean}")
        return told

    @property
    def against(self) -> list[str]:
        """Each shape's answers against their best drafts, or why that is not known."""
        told = []
        for line in self.summary.lines:
            if line.against is not None:
                a = line.against
                told.append(
                    f"{line.arm}, answer against its best draft: won {a.won}, equal {a.equal}, lost {a.lost};"
                    f" all drafts wrong in {a.beta:.1%}, so choosing one draft reaches {a.ceiling:.1f} at most"
                )
            elif line.arm in self.panels and line.runs:
                told.append(f"{line.arm}: its drafts were not graded; --ab or --grade-drafts shows what writing added")
        return told

    @property
    def verdict(self) -> str:
        """The one sentence that may be quoted."""
        lines = {line.arm: line for line in self.summary.lines}
        other = lines[self.summary.reference]
        shapes = [
            line for line in lines.values() if line.role == "shape" and line.score is not None and line is not other
        ]
        if not shapes or other.score is None:
            return ""
        best = max(shapes, key=lambda line: line.score or 0.0)
        times = [
            f"{ratio:.1f} times the {word}"
            for word, ratio in (
                ("cost", _ratio(best.cost_usd, other.cost_usd)),
                ("time", _ratio(best.p50_s, other.p50_s)),
            )
            if ratio is not None
        ]
        judge = f", judge {self.judging.model}" if self.judging else ""
        return (
            f"On {self.tasks.name}, protocol {self.protocol.name}{judge}: {best.arm} scored {_score(best)}"
            f" against {_score(other)} of {other.arm}{', at ' + ' and '.join(times) if times else ''}."
        )


def _score(line: Line) -> str:
    return f"{line.score:.1f} ({line.interval.low:.1f} to {line.interval.high:.1f})"


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs if ours is not None and theirs else None


def document(report: Report) -> dict[str, Any]:
    """One JSON document. Intervals are of 95 %; money and calls per task."""
    return {
        "format": FORMAT,
        "simulated": report.simulated,
        "verdict": report.verdict,
        "terms": dict(report.terms),
        "notes": report.notes,
        "against": report.against,
        "reference": report.summary.reference,
        "planned_answers": report.summary.planned,
        "budget_ended_it": report.cut,
        "arms": [{**plain(line), "score": line.score, "better": line.better} for line in report.summary.lines],
        "pareto_cost": [line.arm for line in front(report.summary.lines)],
        "pareto_time": [line.arm for line in front(report.summary.lines, "p50_s")],
        "leave_one_out": plain(report.without),
        "data_sha256": report.tasks.sha256,
        "calls": report.calls,
        "spent_usd": report.spent_usd,
        "journal": report.journal,
    }
