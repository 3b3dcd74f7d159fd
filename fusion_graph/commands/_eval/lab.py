"""Where evals are made: models, records and purse under one roof, for `eval` and `tune`; what is said meanwhile, and
what is left of it when it ends."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from fusion_graph import settings
from fusion_graph.commands import _console
from fusion_graph.commands._columns import fill
from fusion_graph.commands._eval.again import ASKED
from fusion_graph.commands._eval.models import Models
from fusion_graph.commands._exit import CUT, FAILED
from fusion_graph.commands._journal import open_journal, shut
from fusion_graph.engine.fusion import Fusion
from fusion_graph.errors import UsageError
from fusion_graph.evals.arms import Arm, models_of
from fusion_graph.evals.hygiene import parties
from fusion_graph.evals.hygiene.selftest import SelfTest, examine
from fusion_graph.evals.running.evaluation import Desk
from fusion_graph.evals.running.judging import Judge, Judging, OutOfBudget
from fusion_graph.evals.running.recording import Door
from fusion_graph.evals.running.records import Records
from fusion_graph.evals.running.timing import Open
from fusion_graph.figures import several, usd
from fusion_graph.store.clockwork import Clockwork
from fusion_graph.store.series import NOUNS, Series, take_up
from fusion_graph.wiring import backends, engines, pipelines

DRY, LIVE = "a dry run", "real models"
MARK = "simulated | "
WIDTH = 100  # of a marked line: broken here, so that its second half is marked too


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What `eval` and `tune` have in common. `journal` None: written down unless it is a dry run."""

    command: str = "eval"
    title: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)  # to be asked for again, when it goes on
    dry_run: bool = False
    resume: str | None = None
    journal: bool | None = None
    budget_usd: float | None = None
    prices: str | None = None
    at_once: int = 8

    @property
    def loop(self) -> Callable[[], asyncio.AbstractEventLoop] | None:
        """Where time passes at once in a dry run."""
        return Clockwork if self.dry_run else None


class Lab:
    """Open for one command. Whatever it prints in a dry run is marked so, line by line."""

    def __init__(self, place: Place, selection: backends.Selection | None, setup: settings.Settings) -> None:
        self.place = place
        self.models = Models(selection, setup, engines.prices(place.prices), place.budget_usd)
        self.purse = self.models.purse
        self.records = Records(self._series(setup))
        self._setup = setup

    @classmethod
    async def open(cls, place: Place) -> Lab:
        """Raises UsageError when the journal or the prices cannot be read."""
        setup = settings.load()
        return cls(place, None if place.dry_run else await backends.select(setup), setup)

    def _series(self, setup: settings.Settings) -> Series:
        """A dry run keeps nothing unless it is told to."""
        place = self.place
        if place.resume and place.journal is False:
            raise UsageError("--no-journal and --resume exclude each other", hint="give one of them")
        self._wanted = bool(place.resume) or (place.journal if place.journal is not None else not place.dry_run)
        journal = open_journal(setup, self.noun, keep=self._wanted, err=self.err)
        what = DRY if place.dry_run else LIVE
        if not place.resume:
            return Series(journal=journal, command=place.command, title=place.title, place=what)
        series = take_up(journal, place.command, place.resume)
        if series.place != what:
            told = f"{self.noun} {series.id} was {series.place}, and its answers are no answers of {what}"
            raise UsageError(told, hint="begin a new one")
        return series

    @property
    def series(self) -> Series:
        return self.records.series

    def close(self, state: str = "ok") -> None:
        """Everything was looked up; what is written down is on disk."""
        self.series.end(state)
        shut(self.series.journal, self._setup)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Around the report, which is made of what was kept; the last that is done here."""
        try:
            yield
        finally:
            self.close("budget" if self.purse.empty else "ok")

    def exit_code(self, *, scored: bool) -> int:
        return CUT if self.purse.empty else 0 if scored else FAILED

    @property
    def noun(self) -> str:
        return NOUNS[self.place.command]

    # --- words --------------------------------------------------------------------------------------------------------

    def out(self, text: str) -> None:
        _console.out(self._marked(text))

    def err(self, text: str) -> None:
        screen = min(WIDTH, _console.width(sys.stderr, WIDTH))
        _console.err(self._marked(fill(text, screen - len(self.mark)) if self.models.simulated else text))

    @property
    def width(self) -> int:
        """Characters in a line beside the mark; 0 off a terminal, where lines may be of any length."""
        screen = _console.width()
        return max(1, screen - len(self.mark)) if screen else 0

    @property
    def mark(self) -> str:
        return MARK if self.models.simulated else ""

    def _marked(self, text: str) -> str:
        return "\n".join(f"{self.mark}{line}" for line in text.split("\n"))

    @property
    def told(self) -> str:
        kept = f"; {self.noun} {self.series.id}" if self.series.kept else "; journal: off"
        return f"{self.models.told}{kept}"

    def begin(self, arms: Sequence[Arm], judging: Judging | None) -> list[str]:
        """Check what can be checked and say what is used. Returns the warnings. Raises UsageError."""
        self.models.check_prices(arms, judging.model if judging else "")
        self.models.tools(arms)
        if self.place.asked:
            self.series.write({ASKED: dict(self.place.asked)})
        self.err(self.told)
        found = parties.warnings(judging.model, models_of(arms)) if judging else []
        for line in found:
            self.err(f"warning: {line}")
        return found

    @property
    def spent(self) -> str:
        """For whoever interrupts: what was spent, and how to go on."""
        again = f"; go on with --resume {self.series.id}" if self.series.kept else ""
        return f"{several(self.purse.calls, 'call')}, {usd(self.purse.spent_usd)} spent{again}"

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Around the work: whatever ends it early closes the journal, and an interrupt is told what was spent."""
        try:
            yield
        except BaseException as ended:
            spent = self.spent
            self.close("stopped" if isinstance(ended, asyncio.CancelledError) else "failed")
            if isinstance(ended, asyncio.CancelledError):
                raise asyncio.CancelledError(spent) from None
            raise

    # --- work ---------------------------------------------------------------------------------------------------------

    def door(self, *, live: bool = True) -> Door:
        return Door(self.records, live=live, paced=self.models.virtual)

    def from_records(self, arms: Sequence[Arm], absent: str = "") -> Open:
        """Engines that know what is recorded and nothing else, and in which one model may be absent."""
        door = Door(self.records, live=False, paced=True, absent=frozenset({absent} - {""}))
        return lambda clock: self.models.open(arms, door, clock)

    def desk(
        self, fusion: Fusion, judge: Judge | None, scores: dict[tuple[str, str], float], *, live: bool = True
    ) -> Desk:
        return Desk(
            fusion=fusion,
            judge=judge,
            records=self.records,
            purse=self.purse,
            simulated=self.models.simulated,
            live=live,
            scores=scores,
        )

    def judge(self, judging: Judging, *, live: bool = True) -> tuple[Judge, Fusion]:
        """A judge, and its engine, which is to be closed."""
        fusion, bind = self.models.examiner(judging.model), self.models.bind
        return Judge(judging, fusion, self.records, pipelines.load, bind, self.place.at_once, live), fusion

    async def check_judge(self, judge: Judge, *, force: bool = False) -> SelfTest | None:
        """The judge's self-test, None in a dry run: a simulated examiner cannot read. Raises UsageError for a judge
        that cannot judge, unless it is wanted all the same."""
        if self.models.virtual:
            return None
        try:
            found = await examine(judge)
        except OutOfBudget:
            raise UsageError("the budget does not reach for the judge's self-test", hint="raise --budget-usd") from None
        if found.result != "passed" and not force:
            wrong = ", ".join(dict.fromkeys(found.wrong))
            raise UsageError(f"{found.told}; wrong on: {wrong}", hint="take another --judge, or --force-judge to go on")
        self.err(found.told)
        return found
