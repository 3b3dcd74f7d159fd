"""Where evals are made: models, prices, records and purse under one roof, for `eval` and `tune`. In a dry run every
model is simulated and time is virtual; nothing leaves the process."""

from __future__ import annotations

import asyncio
import shutil
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from fusion_graph import settings
from fusion_graph.commands import _console
from fusion_graph.commands._again import ASKED
from fusion_graph.commands._figures import several, usd
from fusion_graph.commands._journal import shut
from fusion_graph.contracts import Provider
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.pricing import Rates
from fusion_graph.engine.tooled import check_tools
from fusion_graph.errors import UsageError
from fusion_graph.evals.arms import Arm, called, models_of
from fusion_graph.evals.hygiene import parties
from fusion_graph.evals.hygiene.leaks import HOSTS
from fusion_graph.evals.hygiene.selftest import SelfTest, examine
from fusion_graph.evals.running import simulated
from fusion_graph.evals.running.evaluation import Desk
from fusion_graph.evals.running.judging import Judge, OutOfBudget, Settings
from fusion_graph.evals.running.purse import Purse, watched
from fusion_graph.evals.running.recording import Door
from fusion_graph.evals.running.records import Records
from fusion_graph.evals.running.timing import Open
from fusion_graph.graph.binding import Bound
from fusion_graph.pipeline import ModelRef, Pipeline
from fusion_graph.providers import PROVIDERS
from fusion_graph.store.door import guarded
from fusion_graph.store.journal import Journal
from fusion_graph.store.series import NOUNS, Series, take_up
from fusion_graph.toolbox import NO_TOOLS, Toolbox
from fusion_graph.wiring import backends, engines, pipelines
from fusion_graph.wiring.tools import Allowed, toolbox

DRY, LIVE = "a dry run", "real models"
MARK = "simulated | "
FREE = Rates(input=0.0, output=0.0, cached=0.0)
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


class Lab:
    """Open for one command. Whatever it prints in a dry run is marked so, line by line."""

    def __init__(self, place: Place, selection: backends.Selection | None, setup: settings.Settings) -> None:
        self.place = place
        self.virtual = selection is None  # a dry run: also its time
        self.simulated = selection is None or selection.backends[selection.default].provider == backends.SIMULATED
        self.prices = engines.prices(place.prices)
        self.purse = Purse(self.prices, place.budget_usd)
        self.records = Records(self._series(setup))
        self._selection = selection
        self._setup = setup
        self.guarded = False  # the tasks are a public benchmark: web tools must not find it

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
        journal = Journal(setup.home if self._wanted else None)
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
        """Everything was looked up; what is written down is on disk. Says so if it could not be."""
        journal = self.series.journal
        self.series.end(state)
        shut(journal, self._setup)
        if self._wanted and journal.off:
            self.err(f"journal: off ({journal.off}): this {self.noun} cannot be looked at or gone on with later")

    @property
    def noun(self) -> str:
        return NOUNS[self.place.command]

    # --- words --------------------------------------------------------------------------------------------------------

    def out(self, text: str) -> None:
        _console.out(self._marked(text))

    def err(self, text: str) -> None:
        screen = shutil.get_terminal_size().columns if _console.is_terminal(sys.stderr) else WIDTH
        width = min(WIDTH, screen) - len(self.mark)
        lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) if self.simulated else [text]
        _console.err(self._marked("\n".join(lines)))

    @property
    def mark(self) -> str:
        return MARK if self.simulated else ""

    def _marked(self, text: str) -> str:
        return "\n".join(f"{self.mark}{line}" for line in text.split("\n"))

    @property
    def told(self) -> str:
        kept = f"; {self.noun} {self.series.id}" if self.series.kept else "; journal: off"
        if self._selection is None:
            return f"backend: sim, every model and judge is simulated; scores mean nothing{kept}"
        return f"backend: {self._selection.default} ({self._selection.why}){kept}"

    def begin(self, arms: Sequence[Arm], judging: Settings | None) -> list[str]:
        """Check what can be checked and say what is used. Returns the warnings. Raises UsageError."""
        self.check_prices(arms, judging.model if judging else "")
        self._tools(arms)
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

    # --- models -------------------------------------------------------------------------------------------------------

    def bind(self, pipeline: Pipeline, params: Mapping[str, Any]) -> Bound:
        bound = pipelines.bind(pipeline, params)
        if self._selection is None:
            return bound
        bound, _ = backends.fit_models(bound, self._selection)
        backends.require_keys(bound, self._selection)
        return bound

    def rates(self, model: str) -> Rates | None:
        """Prices of a model; of a free backend zeros, in a dry run those of the table."""
        ref = ModelRef.parse(model)
        return FREE if self._is_free(ref) else self.prices.rates(ref.slug)

    def check_prices(self, arms: Sequence[Arm], judge: str) -> None:
        """A budget can only be kept where every price is known. Raises UsageError."""
        if self.place.budget_usd is None:
            return
        models = {model: None for arm in arms for model in called(arm)} | ({judge: None} if judge else {})
        unknown = [model for model in models if self.rates(model) is None]
        if unknown:
            raise UsageError(
                f"the price of {', '.join(unknown)} is unknown, so a budget cannot be kept",
                hint="give it with --prices FILE, or drop --budget-usd",
            )

    def _is_free(self, ref: ModelRef) -> bool:
        selection = self._selected({ref.backend})
        backend = selection.backends.get(ref.backend or selection.default)
        return backend is not None and (backend.free or self._table(simulated.PANEL)[backend.provider].free)

    def _selected(self, names: Iterable[str]) -> backends.Selection:
        """What was chosen; in a dry run every backend is simulated, whatever its name."""
        return self._selection or backends.Selection(
            backends=simulated.backends(names), default=simulated.NAME, why="--dry-run", missing_keys={}, models={}
        )

    def _table(self, stand_in: Provider) -> Mapping[str, Provider]:
        return {simulated.NAME: stand_in} if self.virtual else PROVIDERS

    def fusion(self, arms: Sequence[Arm], door: Door, clock: Callable[[], float] | None = None) -> Fusion:
        """An engine for these arms behind a door."""
        table = guarded(watched(self._table(simulated.PANEL), self.purse), door)
        selection = self._selected({backend for arm in arms for backend in arm.bound.backends})
        return self._open(selection, table, clock, self._tools(arms))

    def _open(
        self,
        selection: backends.Selection,
        table: Mapping[str, Provider],
        clock: Callable[[], float] | None = None,
        tools: Toolbox = NO_TOOLS,
    ) -> Fusion:
        clock = clock or asyncio.get_running_loop().time
        return engines.open_fusion(selection, self.prices, tools, providers=table, clock=clock)

    def _tools(self, arms: Sequence[Arm]) -> Toolbox:
        """The web's only: an eval opens nothing of this machine. Raises UsageError for any other."""
        if not any(arm.bound.tooled for arm in arms):
            return NO_TOOLS
        blocked = (*self._setup.blocked_domains, *(HOSTS if self.guarded else ()))
        box = toolbox(replace(self._setup, blocked_domains=blocked), Allowed())
        for arm in arms:
            foreign = [name for names in arm.bound.tooled.values() for name in names if name not in box.tools]
            if foreign:
                raise UsageError(f"{arm.name} asks for {foreign[0]}: an eval has the tools of the web only")
            check_tools(arm.bound, box)
        return box

    def door(self, *, live: bool = True) -> Door:
        return Door(self.records, live=live, paced=self.virtual)

    def from_records(self, arms: Sequence[Arm], absent: str = "") -> Open:
        """Engines that know what is recorded and nothing else, and in which one model may be absent."""
        door = Door(self.records, live=False, paced=True, absent=frozenset({absent} - {""}))
        return lambda clock: self.fusion(arms, door, clock)

    def desk(
        self, fusion: Fusion, judge: Judge | None, scores: dict[tuple[str, str], float], *, live: bool = True
    ) -> Desk:
        return Desk(
            fusion=fusion,
            judge=judge,
            records=self.records,
            purse=self.purse,
            simulated=self.simulated,
            live=live,
            scores=scores,
        )

    def judge(self, judging: Settings, *, live: bool = True) -> tuple[Judge, Fusion]:
        """A judge, and its engine, which is to be closed."""
        table = watched(self._table(simulated.EXAMINER), self.purse)
        selection = self._selected({ModelRef.parse(judging.model).backend})
        fusion = self._open(selection, table)
        return Judge(judging, fusion, self.records, pipelines.load, self.bind, self.place.at_once, live), fusion

    async def check_judge(self, judge: Judge, *, force: bool = False) -> SelfTest | None:
        """The judge's self-test, None in a dry run: a simulated examiner cannot read. Raises UsageError for a judge
        that cannot judge, unless it is wanted all the same."""
        if self.virtual:
            return None
        try:
            found = await examine(judge)
        except OutOfBudget:
            raise UsageError("the budget does not reach for the judge's self-test", hint="raise --budget-usd") from None
        self.err(found.told)
        if found.result != "passed" and not force:
            wrong = ", ".join(dict.fromkeys(found.wrong))
            raise UsageError(f"{found.told}; wrong on: {wrong}", hint="take another --judge, or --force-judge to go on")
        return found
