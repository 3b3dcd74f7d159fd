"""A NodeContext that answers from a script and remembers what it was asked; short words to build nodes and inputs."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from fusion_graph.contracts import Ask, Input, Kind
from fusion_graph.errors import NodeFailed
from fusion_graph.graph.answers import draft_of
from fusion_graph.graph.typed import model_options
from fusion_graph.kinds import KINDS
from fusion_graph.messages import Completion, Message
from fusion_graph.outputs import Draft, Drafts, Value, drafts_of
from fusion_graph.pipeline import Node, NodeId

FENCE = "f00dcafe"
ASKED = (Message("system", "Be brief."), Message("user", "What is six times seven?"))
Reply = str | Mapping[str, Any] | Completion | NodeFailed


def make_node(kind: Kind | str, node_id: str = "n", **options: Any) -> Node:
    """A bound node, its options as they stand in a file."""
    found = KINDS[kind] if isinstance(kind, str) else kind
    calls = found.calls_model(options) and not found.structural
    return Node(
        id=NodeId(node_id),
        index=0,
        kind=found.name,
        gives=found.gives(options),
        model=model_options({"model": "vendor/model", **options}) if calls else None,
        options=found.parse({key: value for key, value in options.items() if key in found.schema}),
    )


def draft(node: str, text: str = "", **more: Any) -> Draft:
    return Draft(text=text or f"text of {node}", node=node, model=more.pop("model", f"model-{node}"), **more)


def drafts(*nodes: str, **more: Any) -> Drafts:
    return Drafts(tuple(draft(node, **more) for node in nodes))


def inputs(**values: Value) -> list[Input]:
    return [Input(NodeId(name), value) for name, value in values.items()]


class Scripted:
    """`order` is the run-wide order of the writing nodes, and gives the labels A, B, ...; without it they stand as they
    came. `replies` are taken one by one: text, a mapping as JSON, a whole completion, or a failure."""

    def __init__(
        self,
        node: Node,
        sources: Sequence[Input] = (),
        *replies: Reply,
        order: Sequence[str] = (),
        conversation: tuple[Message, ...] = ASKED,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        self.node = node
        self.inputs = sources
        self.conversation = conversation
        self.params = params or {}
        self.fence = FENCE
        self.committed = False
        self.asks: list[Ask] = []
        self.degraded: list[tuple[str, str, str]] = []
        self._replies = list(replies)
        came = (d.node for source in sources for d in drafts_of(source.value))
        self._order = {name: place for place, name in enumerate(dict.fromkeys([*order, *came]))}

    @property
    def question(self) -> str:
        return next(m.text for m in self.conversation[::-1] if m.role == "user")

    @property
    def prompts(self) -> list[str]:
        """The last message of each call."""
        return [ask.messages[-1].text for ask in self.asks]

    @property
    def left(self) -> int:
        """Replies nobody asked for."""
        return len(self._replies)

    def reply(self, *replies: Reply) -> None:
        """Add to the script."""
        self._replies += replies

    def label(self, shown: Draft) -> str:
        return chr(ord("A") + self.rank(shown))

    def rank(self, shown: Draft) -> int:
        return self._order[shown.node]

    def random(self, purpose: str) -> random.Random:
        return random.Random(f"{self.node.id}/{purpose}")

    async def complete(self, ask: Ask) -> Completion:
        reply = self._answer(ask)
        if isinstance(reply, NodeFailed):
            raise reply
        return reply

    async def complete_all(self, asks: Sequence[Ask]) -> Sequence[Completion | NodeFailed]:
        return [self._answer(ask) for ask in asks]

    def degrade(self, reason: str, text: str, action: str) -> None:
        self.degraded.append((reason, text, action))

    def _answer(self, ask: Ask) -> Completion | NodeFailed:
        self.asks.append(ask)
        reply = self._replies.pop(0)
        if isinstance(reply, Completion | NodeFailed):
            return reply
        return Completion(text=reply if isinstance(reply, str) else json.dumps(reply))


async def run(ctx: Scripted) -> Any:
    """What the node gives, by call or by code."""
    kind = KINDS[ctx.node.kind]
    if kind.prompt is not None:
        return draft_of(ctx.node, await ctx.complete(Ask(kind.prompt(ctx), "final")))
    if ctx.node.model is not None and kind.run is not None:
        return await kind.run(ctx)
    assert kind.fold is not None
    return kind.fold(ctx)
