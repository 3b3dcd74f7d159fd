"""What is noted of a run beside its attempts, and that tools give again what they gave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fusion_graph.contracts import Tool
from fusion_graph.errors import ToolError
from fusion_graph.events import ToolAnswered
from fusion_graph.messages import Call, Completion, ToolCall
from fusion_graph.store.player import Unrecorded
from fusion_graph.toolbox import ToolBounds, Toolbox
from tests.store.taped import Taped, asked, record, replay

NODES = """
panel: {kind: layer, models: [{model: a/fast, tools: [look, change]}, b/flaky]}
answer: {kind: synth, model: g/writer, inputs: [panel]}
"""
ANY = {"type": "object"}
WANTED = [("look", {"at": 0.02}), ("look", {"at": 0.01}), ("look", {"no": 1}), ("change", {"to": 1})]


class Shelf:
    """Tools that take their time, and count how often they were used."""

    def __init__(self) -> None:
        self.used = 0

    async def look(self, arguments: Mapping[str, Any], _site: Any) -> str:
        self.used += 1
        if "no" in arguments:
            raise ToolError("nothing is there")
        await asyncio.sleep(arguments["at"])
        return f"seen after {arguments['at']}, look {self.used}"

    async def change(self, arguments: Mapping[str, Any], _site: Any) -> str:
        self.used += 1
        return f"it is {arguments['to']} now"

    def box(self, **bounds: Any) -> Toolbox:
        look = Tool(name="look", description="looks", parameters=ANY, run=self.look)
        change = Tool(name="change", description="changes", parameters=ANY, run=self.change, mutates=True)
        tools = {"look": look, "change": change}
        return Toolbox(tools=tools, known=(*tools, "other"), bounds=ToolBounds(**bounds))


def calling(call: Call) -> Completion | str:
    """Everything at once, then what it was told."""
    told = [message.text for message in call.messages if message.role == "tool"]
    if told:
        return "\n".join(told)
    calls = tuple(ToolCall(id=str(i), name=name, arguments=json.dumps(given)) for i, (name, given) in enumerate(WANTED))
    return Completion(tool_calls=calls, finish_reason="tool_calls")


def tape(file: Path, box: Toolbox, nodes: str = NODES) -> Taped:
    return record(file, asked(nodes), {"a/fast": calling, "b/flaky": "B.", "g/writer": "All."}, tools=box)


def answers(run: Taped) -> list[tuple[str, bool, str]]:
    return [(e.tool, e.ok, e.text) for e in run.result.events if isinstance(e, ToolAnswered)]


def test_tools_give_again_what_they_gave_and_are_not_used(tmp_path: Path) -> None:
    shelf, file = Shelf(), tmp_path / "run.tape"
    run = tape(file, shelf.box())
    assert run.summary["state"] == "ok"
    assert [ok for _, ok, _ in answers(run)] == [False, True, True, True]
    assert shelf.used == 4
    for _ in range(5):
        again = replay(file)
        assert answers(again) == answers(run)
        assert (again.summary, again.told) == (run.summary, [])
    assert shelf.used == 4


def test_a_tool_that_ran_out_of_time_does_so_again(tmp_path: Path) -> None:
    file = tmp_path / "run.tape"
    run = tape(file, Shelf().box(seconds=0.015))
    assert ("look", False, "error: no time is left for tools") in answers(run)
    again = replay(file)
    assert answers(again) == answers(run)
    assert again.summary == run.summary


def test_a_tool_that_is_asked_for_something_else_is_an_error(tmp_path: Path) -> None:
    """A model's reply was changed by hand: nobody knows what the tool would have given."""
    file = tmp_path / "run.tape"
    tape(file, Shelf().box())
    file.write_text(file.read_text().replace(r"{\"to\": 1}", r"{\"to\": 2}"))
    with pytest.raises(Unrecorded, match="the tool change is asked for what is not recorded"):
        replay(file)


def test_bounds_and_tools_are_on_the_cassette(tmp_path: Path) -> None:
    file = tmp_path / "run.tape"
    tape(file, Shelf().box(calls=7), NODES.replace("look, change", "look"))
    head = json.loads(file.read_text().splitlines()[0])
    assert head["tool_bounds"]["calls"] == 7
    assert [tool["listed"] for tool in head["tools"]] == ["look"]
    assert head["backends"][0]["tools"] is True
    assert "hush-hush" not in file.read_text()


def test_a_replay_does_not_ask_the_cache(tmp_path: Path) -> None:
    file = tmp_path / "run.tape"
    nodes = "answer: {kind: proposer, model: a/fast, cache: true}"
    record(file, asked(nodes), {"a/fast": "Because."})
    assert replay(file).result.bound.caches is False
