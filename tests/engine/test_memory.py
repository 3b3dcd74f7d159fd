"""A call whose reply is remembered is not made, if the reply is of use here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from fusion_graph.contracts import Recalled
from fusion_graph.events import CallRecalled, CallStarted, Event
from fusion_graph.messages import Call, Completion, Told, ToolCall
from fusion_graph.pipeline import Node
from tests.engine.stage import Stage, entries, states

ONE = "one: {kind: proposer, model: m/a}"


class Scripted:
    """Remembers what it is given by model; notes what it hears. Implements contracts.Memory."""

    def __init__(self, known: Mapping[str, Completion] | None = None, spent: float = 0.0) -> None:
        self.known = dict(known or {})
        self.decided: Mapping[str, tuple[str, ...]] = {}
        self.lost: Sequence[tuple[str, str, str, str]] = ()
        self.spent = (spent, 0, 0)
        self.heard: list[Event] = []
        self.committed: list[int] = []
        self.kept: list[str] = []
        self.used: list[tuple[str, str | None]] = []

    def tell(self, event: Event) -> None:
        self.heard.append(event)

    async def commit(self) -> None:
        self.committed.append(sum(isinstance(event, CallStarted) for event in self.heard))

    def recall(self, _node: Node, _backend: str, call: Call) -> Recalled | None:
        known = self.known.pop(call.model, None)
        return Recalled("replayed", known) if known else None

    def keep(self, _node: Node, backend: str, call: Call, _completion: Completion) -> None:
        self.kept.append(f"{call.model}@{backend}")

    def told(self, _node: Node, _number: int, _call: ToolCall) -> Told | None:
        return None

    def use(self, _node: Node, _number: int, call: ToolCall, told: Told | None = None) -> None:
        self.used.append((call.name, told.text if told else None))


async def test_remembered_reply_is_not_bought() -> None:
    memory, stage = Scripted({"m/a": Completion(text="before")}), Stage()
    result = await stage.run(ONE, memory=memory)
    assert (result.text, stage.asked, states(result)) == ("before", [], {"one": "replayed"})
    assert [type(event) for event in memory.heard if isinstance(event, CallRecalled | CallStarted)] == [CallRecalled]


async def test_reply_that_is_of_no_use_here_is_bought_anew() -> None:
    memory, stage = Scripted({"m/a": Completion(text="before")}), Stage({"m/a": "yes, now"})
    result = await stage.run("one: {kind: proposer, model: m/a, usable: {match: '^yes'}}", memory=memory)
    assert (result.text, states(result)) == ("yes, now", {"one": "ok"})


async def test_that_a_call_leaves_is_written_down_first() -> None:
    memory, stage = Scripted(), Stage()
    await stage.run(ONE, memory=memory)
    assert memory.committed[0] == 1
    assert memory.kept == ["m/a@sim"]


async def test_alternates_reply_is_remembered_too() -> None:
    memory, stage = Scripted({"m/b": Completion(text="other")}), Stage()
    result = await stage.run("one: {kind: proposer, model: m/a, alternates: [m/b]}", memory=memory)
    assert (result.text, stage.asked) == ("other", [])


async def test_what_was_lost_before_is_in_degraded() -> None:
    memory, stage = Scripted(), Stage()
    memory.lost = [("one", "late", "too slow", "went on")]
    assert entries(await stage.run(ONE, memory=memory)) == [("one", "late")]


@pytest.mark.parametrize("decided", [{"nowhere": ("one",)}, {"both": ("final",)}, {"both": ()}])
async def test_decision_about_other_nodes_is_not_taken(decided: Mapping[str, tuple[str, ...]]) -> None:
    nodes = f"{ONE}\nboth: {{kind: layer, members: [one]}}\nfinal: {{kind: fallback, inputs: [both]}}"
    memory, stage = Scripted(), Stage()
    memory.decided = decided
    assert states(await stage.run(nodes, memory=memory))["both"] == "ok"


async def test_member_without_a_value_this_time_reopens_its_group() -> None:
    nodes = "panel: {kind: layer, models: [m/a, m/b]}\nanswer: {kind: synth, model: m/w, inputs: [panel]}"
    memory = Scripted()
    memory.decided = {"panel": ("panel/a",)}
    stage = Stage({"m/a": ""})
    result = await stage.run(nodes, memory=memory)
    assert (states(result)["panel/b"], states(result)["panel"], result.error) == ("ok", "ok", None)
