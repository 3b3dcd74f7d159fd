"""What somebody writes who needs one of these shapes and nothing else: asyncio, f-strings, the same client, the same
prompts. No retries, timeouts, costs, events or limits, and any failure ends it all."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
from collections.abc import Sequence
from typing import Any

from benchmarks.models import JUDGE, ignore
from fusion_graph.contracts import Client
from fusion_graph.engine.run import label
from fusion_graph.kinds._analysis import FORM
from fusion_graph.kinds._present import DATA
from fusion_graph.kinds._texts import ANALYZE, IMPROVE, SYNTHESIZE
from fusion_graph.kinds._texts import JUDGE as JUDGE_SYSTEM
from fusion_graph.messages import Call, Message, Sampling

PLAIN, JSON = Sampling(), Sampling(temperature=0, response_format=FORM.response_format)
LABELS = [label(place) for place in range(20_000)]
WORDS = {
    "data": DATA, "judge": JUDGE_SYSTEM, "analyze": ANALYZE, "form": FORM.request, "synthesize": SYNTHESIZE,
    "response_format": FORM.response_format,
}  # fmt: skip
"""The prompts of a panel, for a program that imports nothing of ours."""
LISTS = ("consensus", "contradictions", "partial_coverage", "unique_insights", "blind_spots")


class Talk:
    """One run: the question, its fence, and who has which blind label."""

    def __init__(self, client: Client, question: str, writers: int) -> None:
        self.client = client
        self.asked: tuple[Message, ...] = (Message("user", question),)
        self.fence = secrets.token_hex(6)
        self.places = list(range(writers))
        random.shuffle(self.places)

    async def ask(
        self, model: str, messages: tuple[Message, ...], draw: tuple[int, int, int, int] = (0, 0, 0, 0)
    ) -> str:
        return (await self.client.complete(Call(model, messages, PLAIN, draw, "final"), ignore)).text

    def shown(self, drafts: Sequence[tuple[int, str]]) -> str:
        """The drafts (writer, text) in the run's order."""
        fence, places = self.fence, self.places
        parts = []
        for i, text in sorted(drafts, key=lambda draft: places[draft[0]]):
            name = LABELS[places[i]]
            parts.append(f"<<< draft {name} | {fence} >>>\n{text}\n<<< end of {name} | {fence} >>>")
        return "\n\n".join(parts)

    def improve(self, drafts: Sequence[tuple[int, str]], words: str = IMPROVE) -> tuple[Message, ...]:
        head = DATA.format(fence=self.fence)
        return (*self.asked, Message("user", f"{head}\n\n{self.shown(drafts)}\n\n{words}"))

    async def judge(self, model: str, drafts: Sequence[tuple[int, str]]) -> dict[str, list[Any]]:
        fence = self.fence
        quoted = "\n\n".join(f"[{m.role}]\n{m.content}" for m in self.asked)
        prompt = (
            f"{DATA.format(fence=fence)}\n\n<<< the conversation | {fence} >>>\n{quoted}\n"
            f"<<< end of the conversation | {fence} >>>\n\n{self.shown(drafts)}\n\n{ANALYZE}\n\n{FORM.request}"
        )
        messages = (Message("system", JUDGE_SYSTEM), Message("user", prompt))
        reply = await self.client.complete(Call(model, messages, JSON, (0, 0, 0, 0), "note"), ignore)
        found = json.loads(reply.text)
        for name in LISTS:
            if not isinstance(found[name], list):
                raise TypeError(f"{name} is no list")
        if not all(isinstance(text, str) for text in found["consensus"] + found["blind_spots"]):
            raise TypeError("a point is no text")
        return dict(found)

    async def synthesize(self, model: str, drafts: Sequence[tuple[int, str]], found: dict[str, list[Any]]) -> str:
        """The stub's verdict names consensus and blind spots only, so nothing else is put in words."""
        sections = []
        if found["consensus"]:
            sections.append("Held by all or nearly all:\n" + "\n".join(f"- {text}" for text in found["consensus"]))
        if found["blind_spots"]:
            sections.append("Missing everywhere:\n" + "\n".join(f"- {text}" for text in found["blind_spots"]))
        fence, listed = self.fence, "\n\n".join(sections)
        findings = f"<<< the analysis | {fence} >>>\n{listed}\n<<< end of the analysis | {fence} >>>"
        return await self.ask(model, self.improve(drafts, f"{findings}\n\n{SYNTHESIZE}"))


async def panel(client: Client, question: str, models: Sequence[str]) -> str:
    """Every model drafts, one judges, the last one writes."""
    *proposers, writer = models
    talk = Talk(client, question, len(models))
    texts = await asyncio.gather(*(talk.ask(model, talk.asked) for model in proposers))
    drafts = list(enumerate(texts))
    return await talk.synthesize(writer, drafts, await talk.judge(JUDGE, drafts))


async def layers(client: Client, question: str, models: Sequence[str], depth: int, writer: str) -> str:
    """Each layer sees the drafts of the one before; a writer at the end."""
    wide = len(models)
    talk = Talk(client, question, depth * wide + 1)
    messages, drafts = talk.asked, list[tuple[int, str]]()
    for level in range(depth):
        texts = await asyncio.gather(*(talk.ask(model, messages) for model in models))
        drafts = [(level * wide + i, text) for i, text in enumerate(texts)]
        messages = talk.improve(drafts)
    return await talk.ask(writer, talk.improve(drafts, SYNTHESIZE))


async def fan_in(client: Client, question: str, model: str, samples: int, writer: str) -> str:
    """One model many times, one writer."""
    talk = Talk(client, question, samples + 1)
    texts = await asyncio.gather(*(talk.ask(model, talk.asked, (0, i, 0, 0)) for i in range(samples)))
    return await talk.ask(writer, talk.improve(list(enumerate(texts)), SYNTHESIZE))


async def chain(client: Client, question: str, models: Sequence[str]) -> str:
    """Each model improves on the one before."""
    talk = Talk(client, question, len(models))
    messages, text = talk.asked, ""
    for i, model in enumerate(models):
        text = await talk.ask(model, messages)
        messages = talk.improve([(i, text)])
    return text


async def graph(client: Client, question: str, models: Sequence[str], sources: Sequence[Sequence[int]]) -> str:
    """A task per node that awaits its sources'. Nodes come after what they read; the last one is the answer."""
    talk = Talk(client, question, len(models))
    tasks: list[asyncio.Task[str]] = []

    async def node(i: int) -> str:
        drafts = [(s, await tasks[s]) for s in sources[i]]
        return await talk.ask(models[i], talk.improve(drafts) if drafts else talk.asked)

    async with asyncio.TaskGroup() as group:
        tasks += (group.create_task(node(i)) for i in range(len(models)))
    return tasks[-1].result()
