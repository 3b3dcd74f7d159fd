"""A run that is answered by a cassette."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from fusion_graph.contracts import Backend, Tool
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.pricing import Prices
from fusion_graph.engine.report import RunResult
from fusion_graph.engine.request import RunRequest
from fusion_graph.errors import UsageError
from fusion_graph.pipeline import Pipeline
from fusion_graph.store.cassette import Cassette, read_cassette
from fusion_graph.store.clockwork import Clockwork
from fusion_graph.store.door import closed
from fusion_graph.store.player import Player
from fusion_graph.store.tape_lines import read_messages, read_tools
from fusion_graph.tapes.recording import summary, without_cache
from fusion_graph.tapes.straight import Asked, Straight
from fusion_graph.toolbox import NO_TOOLS, ToolBounds, Toolbox
from fusion_graph.tools import TOOLS
from fusion_graph.wiring import backends, engines, pipelines

if TYPE_CHECKING:
    from fusion_graph.settings import Settings


PAID, FREE = "replay", "replay-free"  # providers of a replay


def read_tape(file: str) -> Cassette:
    """Raises UsageError that names file and line."""
    cassette = read_cassette(file)
    if any(len(entry) % 4 != 3 for entry in cassette.head["prices"]["models"].values()):
        raise UsageError(f"{file}:1: `head`/prices: not a price")
    return cassette


def recorded(cassette: Cassette, pipeline: Pipeline | None = None) -> Asked:
    """What the recorded run was asked, perhaps of another pipeline. Raises UsageError or PipelineError."""
    head = cassette.head
    if pipeline is None:
        try:
            document = json.loads(head["pipeline"]["source"])
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise UsageError(f"{cassette.file}:1: `head`/pipeline/source: not a pipeline", hint="name one")
        pipeline = pipelines.load(document)
    return Asked(
        pipeline=pipeline,
        params=head["params"],
        messages=read_messages(head["messages"]),
        **{name: head[name] for name in ("seed", "budget_usd", "deadline_s", "stream")},
    )


class Replaying(Straight):
    """A run that is answered by a cassette, on a Clockwork loop."""

    def __init__(self, asked: Asked, cassette: Cassette) -> None:
        super().__init__(asked._replace(stream=cassette.head["stream"]))
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Clockwork)
        self._cassette = cassette
        self._player = Player(cassette, loop)
        self.listen = self._player.listen

    async def prepare(self, _setup: Settings) -> engines.Ready:
        """No address and no key is looked up: what the settings say does not matter."""
        head = self._cassette.head
        selection = backends.Selection(
            backends={backend["name"]: _silent(backend) for backend in head["backends"]},
            default=head["default"],
            why=f"replayed from {self._cassette.file}",
            missing_keys={},
            models=head["renamed"],
        )
        bound, renamed = backends.fit_models(pipelines.bind(self.asked.pipeline, self.asked.params), selection)
        used = tuple(engines.Used(name, selection.why, simulated=False) for name in selection.uses(bound))
        return engines.Ready(without_cache(bound), selection, used, renamed)

    def prices(self, _file: str | None) -> Prices:
        """The recorded ones."""
        return Prices(self._cassette.head["prices"]["models"], self._cassette.head["prices"]["date"])

    def request(self, ready: engines.Ready, *, run_id: str, fence: str) -> RunRequest:  # noqa: ARG002 (the recorded ones)
        head = self._cassette.head
        return super().request(ready, run_id=head["run_id"], fence=head["fence"])

    def open(self, ready: engines.Ready, prices: Prices, tools: Toolbox = NO_TOOLS) -> Fusion:  # noqa: ARG002 (as above)
        return engines.open_fusion(
            ready.selection,
            prices,
            self._toolbox(),
            providers={PAID: closed(self._player, name=PAID), FREE: closed(self._player, name=FREE, free=True)},
            clock=asyncio.get_running_loop().time,
            sleep=self._player.sleep,
        )

    def _toolbox(self) -> Toolbox:
        """The recorded tools, and behind each what it gave."""
        head = self._cassette.head
        tools = {listed: self._played(tool, TOOLS.get(listed, tool)) for listed, tool in read_tools(head)}
        return Toolbox(tools=tools, known=tuple(tools), bounds=ToolBounds(**head["tool_bounds"]))

    def _played(self, tool: Tool, ours: Tool) -> Tool:
        return replace(tool, run=partial(self._player.use, tool.name), sources=ours.sources)

    def warnings(self) -> Iterator[str]:
        """What is asked otherwise than in the recorded run, and whether all of that is there."""
        head, asked = self._cassette.head, self.asked
        if asked.pipeline.source != head["pipeline"]["source"]:
            yield "the pipeline is not the recorded one"
        if asked.messages != read_messages(head["messages"]):
            yield "the prompt is not the recorded one"
        for name in ("params", "seed", "budget_usd", "deadline_s"):
            mine = getattr(asked, name)
            if mine != head[name]:
                yield f"{name}: {json.dumps(mine)}, recorded {json.dumps(head[name])}"
        if self._cassette.result is None:
            yield "the recording was cut: the replay can go no further"

    def conclude(self, result: RunResult) -> Iterator[str]:
        """What came out otherwise than recorded."""
        recorded, now = self._cassette.result, summary(result)
        if recorded is not None:
            yield from (f"not as recorded: {name}" for name in now if not _same(now[name], recorded[name]))


def _silent(backend: Mapping[str, Any]) -> Backend:
    """A backend without an address; those of one account still share its cool-down."""
    return Backend(
        name=backend["name"],
        provider=FREE if backend["free"] else PAID,
        base_url=f"account-{backend['account']}",
        tools=backend["tools"],
        max_concurrency=backend["max_concurrency"],
        requests_per_minute=backend["requests_per_minute"],
    )


def _same(value: Any, other: Any) -> bool:
    both = isinstance(value, float) and isinstance(other, int | float)
    return math.isclose(value, other, rel_tol=1e-9) if both else bool(value == other)
