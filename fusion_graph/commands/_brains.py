"""What an agent thinks with: one model, or a pipeline whose writer gets the tools; and the pipeline that is its
council. Both are runs like any others, with their retries, costs and events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusion_graph import wiring
from fusion_graph.agent.work import Lost, Reply
from fusion_graph.commands._closing import closing_line, degraded_lines
from fusion_graph.engine.request import RunRequest
from fusion_graph.errors import ToolError
from fusion_graph.messages import Completion, Message, Sampling

if TYPE_CHECKING:
    from fusion_graph.engine.fusion import Fusion
    from fusion_graph.engine.pricing import Prices
    from fusion_graph.settings import Settings


class PipelineBrain:
    """A pipeline on an engine of its own."""

    def __init__(self, ready: wiring.Ready, fusion: Fusion, prices: Prices) -> None:
        self._bound = ready.bound
        self._fusion = fusion
        self._prices = prices
        self.told = f"{ready.told}; brain: {self._bound.pipeline.name}"
        writers = [self._bound.nodes[i].model for i in sorted(self._bound.writers)]
        lanes = [fusion.services.lanes[model.model.backend] for model in writers if model is not None]
        self.takes_tools = all(lane.takes_tools for lane in lanes)
        self.spent: Callable[[int, float | None], None] = lambda _tokens, _usd: None  # told of each council's run

    async def think(self, messages: tuple[Message, ...], tools: Sequence[Mapping[str, Any]]) -> Reply:
        writer = Sampling(tools=tuple(tools)) if tools else None
        result = await self._fusion.run(self._bound, RunRequest(messages=messages, writer=writer))
        tokens, cost = result.usage.total_tokens, result.cost_usd
        if result.answer is None:
            assert result.error is not None
            lost = Lost(result.error.reason, result.error.message)
            lost.tokens, lost.cost_usd = tokens, cost
            raise lost
        draft = result.answer
        said = Completion(text=draft.text, tool_calls=draft.tool_calls, finish_reason=draft.finish_reason)
        return Reply(said, tokens, cost)

    async def convene(self, question: str) -> str:
        """The council's answer, with what it cost and what degraded."""
        result = await self._fusion.run(self._bound, RunRequest(messages=(Message("user", question),)))
        self.spent(result.usage.total_tokens, result.cost_usd)
        told = [f"[council {result.pipeline}: {closing_line(result, self._prices.date)}]", *degraded_lines(result)]
        if result.answer is None:
            raise ToolError("\n".join(["the council gave no answer", *told]))
        return "\n".join([result.answer.text, *told])

    async def close(self) -> None:
        await self._fusion.aclose()


async def brain_of(name: str | None, setup: Settings, prices: str | None) -> PipelineBrain:
    """A preset, a file, or a model; without a name the writer of the default pipeline, alone."""
    if name is not None and (name in wiring.presets() or Path(name).suffix in wiring.SUFFIXES):
        return await _open(name, setup, prices)
    return await _open(_solo(name or _writer()), setup, prices)


async def council_of(name: str | None, setup: Settings, prices: str | None) -> PipelineBrain | None:
    return None if name is None else await _open(name, setup, prices)


def _solo(model: str) -> dict[str, Any]:
    return {
        "version": 1,
        "name": "brain",
        "description": model,
        "nodes": {"brain": {"kind": "proposer", "model": model}},
        "output": "brain",
    }


def _writer() -> str:
    bound = wiring.bind_pipeline(wiring.load(wiring.DEFAULT_PIPELINE))
    found = next(model for i in sorted(bound.writers) if (model := bound.nodes[i].model) is not None)
    return str(found.model)


async def _open(source: str | dict[str, Any], setup: Settings, prices: str | None) -> PipelineBrain:
    ready = await wiring.prepare(wiring.load(source), {}, setup)
    table = wiring.prices(prices)
    return PipelineBrain(ready, wiring.open_fusion(ready.selection, table), table)
