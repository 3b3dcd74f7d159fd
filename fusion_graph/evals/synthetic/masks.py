"""Who knows what: a mask says for each model, item and draw whether the answer is right. Every item has two answers,
so that votes are coin tosses with a known coin. Seeded; the same in any process."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from fusion_graph.contracts import Backend, Provider
from fusion_graph.evals.task import Task, TaskSet
from fusion_graph.messages import Call
from fusion_graph.pipeline import Extract
from fusion_graph.providers.sim import SimClient

_ITEM = re.compile(r"\bitem (\d+)\b")
WORDS = ("yes", "no")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """`knowledge`: how often a model is right. `correlation`: the share of items on which all models, and all draws of
    one, are right or wrong together. `colluders` give the same wrong answer to everything."""

    seed: int = 0
    knowledge: float = 0.7
    correlation: float = 0.0
    colluders: frozenset[str] = frozenset()

    def truth(self, item: int) -> str:
        return WORDS[self._share("truth", item) < 0.5]

    def is_right(self, model: str, item: int, draw: tuple[int, ...] = (0, 0, 0, 0)) -> bool:
        if model in self.colluders:
            return False
        if self._share("together", item) < self.correlation:
            return self._share("all", item) < self.knowledge
        return self._share("own", model, item, *draw) < self.knowledge

    def says(self, model: str, item: int, draw: tuple[int, ...] = (0, 0, 0, 0)) -> str:
        truth = self.truth(item)
        return truth if self.is_right(model, item, draw) else WORDS[truth == WORDS[0]]

    def _share(self, *parts: object) -> float:
        digest = hashlib.sha256(repr((self.seed, *parts)).encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    # --- as tasks and as models ---

    def tasks(self, count: int) -> TaskSet:
        """So many items."""
        made = tuple(
            Task(
                id=f"item-{n}",
                prompt=f"Is item {n} in the set? End with one line: Answer: yes, or Answer: no",
                answer=self.truth(n),
                extract=Extract(regex=r"Answer:\s*(\w+)$"),
            )
            for n in range(count)
        )
        return TaskSet(name="masks", form="exact", sha256="", tasks=made, total=count)

    def reply(self, call: Call) -> str:
        """What a model that is asked for an item says, whatever drafts it is shown."""
        found = _ITEM.search("\n".join(message.text for message in call.messages))
        word = self.says(call.model, int(found.group(1)), call.draw) if found else "unknown"
        return f"I looked.\nAnswer: {word}"

    def provider(self) -> Provider:
        def opened(_backend: Backend) -> SimClient:
            return SimClient({"*": self.reply}, records=False)

        return Provider(name="sim", summary="models with a mask", open=opened, free=True)
