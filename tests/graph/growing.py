"""Random graphs for property tests: every kind, every way of waiting, and what becomes of each call."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from fusion_graph.graph.bound import Bound
from fusion_graph.outputs import FIELDS, Analysis, Draft, Gives, Outcome, Scores, Value
from fusion_graph.pipeline import Comparison, Condition, FieldRef, NodeSpec
from tests.graph.walk import bound_specs, spec

DRAFTS: tuple[Gives, ...] = ("draft", "drafts", "vote")


@dataclass
class Grower:
    """Grows a random graph, node by node; every node reads only what stands before it."""

    dice: random.Random
    clocks: bool  # quorum, grace, hedges: where the order of arrival decides

    def grow(self, size: int) -> Bound:
        self.specs: list[NodeSpec] = []
        self.gives: dict[str, Gives] = {}
        for n in range(size):
            self._add(
                *self.dice.choice((self._proposer, self._group, self._judge, self._synth, self._fallback))(f"n{n}")
            )
        self._add(*self._fallback("out", every=True))
        return bound_specs(self.specs)

    def _add(self, made: NodeSpec, gives: Gives) -> None:
        self.specs.append(made)
        self.gives[made.id] = gives

    def _some(self, *gives: Gives, least: int = 0, most: int = 4) -> list[str]:
        found = [name for name, given in self.gives.items() if given in gives]
        return self.dice.sample(found, min(len(found), self.dice.randint(least, most)))

    def _edges(self, *gives: Gives, least: int = 0) -> list[str]:
        return [name + self.dice.choice(("", "?")) for name in self._some(*gives, least=least)]

    def _when(self) -> Condition | None:
        named = self._some(*FIELDS, least=0, most=1) if self.dice.random() < 0.3 else []
        tests = [
            Comparison(FieldRef(name, self.dice.choice(FIELDS[self.gives[name]])), "at_least", self.dice.randint(0, 3))  # type: ignore[arg-type]
            for name in named
        ]
        return Condition(tuple(tests)) if tests else None

    def _after(self) -> list[str]:
        return self._some(*FIELDS, most=1) if self.dice.random() < 0.2 else []

    def _proposer(self, name: str) -> tuple[NodeSpec, Gives]:
        inputs = self._edges(*DRAFTS) if self.dice.random() < 0.4 else []
        return spec(name, inputs=inputs, when=self._when(), after=self._after(), extract="last_number"), "draft"

    def _group(self, name: str) -> tuple[NodeSpec, Gives]:
        members = self._some(*DRAFTS, least=1)
        if self.dice.random() < 0.3:
            stop = {"stop": {"agree": 2}, "window": self.dice.randint(1, 3)} if self.dice.random() < 0.7 else {}
            samples = self.dice.randint(2, 6)
            inputs = self._edges(*DRAFTS) if self.dice.random() < 0.3 else []
            more = {"model": f"m/{name}", "samples": samples, "extract": "last_number", **stop}
            return spec(name, "sample", inputs, when=self._when(), **more), "drafts"
        if not members:
            return self._proposer(name)
        quorum = self.dice.choice((None, "all", self.dice.randint(1, len(members)) if self.clocks else None))
        options: dict[str, Any] = {"quorum": quorum} if quorum else {}
        if self.clocks:
            options["grace_s"] = self.dice.choice((0, 5))
        return spec(name, "layer", members=members, when=self._when(), **options), "drafts"

    def _judge(self, name: str) -> tuple[NodeSpec, Gives]:
        inputs = self._edges(*DRAFTS, least=1)
        if not inputs:
            return self._proposer(name)
        mode, gives = self.dice.choice((("analyze", "analysis"), ("score", "scores"), ("vote", "vote")))
        return spec(name, "judge", inputs, mode=mode, when=self._when()), gives  # type: ignore[return-value]

    def _synth(self, name: str) -> tuple[NodeSpec, Gives]:
        inputs = [*self._edges(*DRAFTS, least=1), *self._edges("analysis")]
        if not self._some(*DRAFTS, least=1):
            return self._proposer(name)
        return spec(name, "synth", inputs, when=self._when(), after=self._after()), "draft"

    def _fallback(self, name: str, *, every: bool = False) -> tuple[NodeSpec, Gives]:
        hedged = self.clocks and self.dice.random() < 0.4
        choices: tuple[Gives, ...] = ("draft",) if hedged else DRAFTS
        options = self._some(*choices, least=1) if not every else self._some(*DRAFTS, least=4, most=6)
        if not options:
            return self._proposer(name)
        wait = {"hedge_after_s": 4} if hedged and not every else {}
        return spec(name, "fallback", [*options, *self._some("scores", most=2)], **wait), "draft"


class Fate:
    """What becomes of each call, fixed before the run: the same for every order of arrival."""

    def __init__(self, bound: Bound, seed: int, broken: float) -> None:
        self._bound, self._seed, self._broken = bound, seed, broken

    def of(self, i: int) -> Outcome:
        dice = random.Random(f"{self._seed}/{i}")
        if dice.random() < self._broken:
            return Outcome("failed", None, "broken")
        return Outcome("ok", self._value(i, dice))

    def _value(self, i: int, dice: random.Random) -> Value:
        node = self._bound.nodes[i]
        if node.gives == "analysis":
            return Analysis(blind_spots=("x",) * dice.randint(0, 3))
        if node.gives == "scores":
            return Scores(mode="score", by_node={"x": float(dice.randint(0, 3))})
        return Draft(text="x" * dice.randint(1, 4), node=node.id, answer=dice.choice(("7", "8", None)))
