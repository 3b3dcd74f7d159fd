"""What an eval has paid for: replies of models by what was asked, answers of pipelines, verdicts of judges. They stand
in the journal, where each run of an arm and each call of a judge is a run of one series; what is not written down, as
the journal is off, stays in this process."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fusion_graph.store.journal import Job, RunMemory
from fusion_graph.store.past import Past
from fusion_graph.store.series import Heard, Series

RECENT = 1024  # replies that may not be on disk yet
KEPT = "eval"  # where in a run's document stands what the eval makes of it
Key = tuple[str, str]


@dataclass(slots=True)
class Records:
    """Of one eval. A reply is known by its part (the task, and the how-manieth run of it) and its call's digest."""

    series: Series
    _heard: OrderedDict[Key, Heard] = field(default_factory=OrderedDict)
    _concluded: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def heard(self, key: Key) -> Heard | None:
        return self._heard.get(key) or self.series.heard(*key)

    def hear(self, key: Key, heard: Heard) -> None:
        """A reply was bought and of use."""
        self._heard[key] = heard
        if self.series.kept and len(self._heard) > RECENT:
            self._heard.popitem(last=False)

    def concluded(self, run: str) -> Mapping[str, Any] | None:
        """The document of a run that was done with."""
        return self._concluded.get(run) or self.series.document(run)

    def conclude(self, run: str, document: Mapping[str, Any], memory: RunMemory) -> None:
        memory.conclude(json.dumps(document, allow_nan=False))
        if not self.series.kept:
            self._concluded[run] = document

    def memory(self, job: Job, *, shares: bool = False) -> RunMemory:
        """For a run that is made now. One that was cut off goes on; one that was concluded, and is not good enough, is
        made again. `shares`: its replies come from these records, not from its own past."""
        past = self.series.past(job.id)
        if past is not None and self.series.document(job.id) is not None:
            past = _afresh(past)
        elif past is not None and shares:
            past = replace(past, replies={}, spent=(0.0, 0, 0))
        return self.series.memory(job, past)


def _afresh(past: Past) -> Past:
    return replace(past, replies={}, nodes={}, tools={}, spent=(0.0, 0, 0))
