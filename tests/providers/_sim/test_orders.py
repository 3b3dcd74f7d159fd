"""Orders in a user's turn: which tool is called when, and what is said at the end."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from fusion_graph.messages import Call, Completion, Message, Sampling, ToolCall
from fusion_graph.providers._sim.mind import Mind
from fusion_graph.providers._sim.orders import obey
from fusion_graph.providers.sim import SimClient
from tests.providers.rawserver import ignore

FENCE = re.compile("^<<<", re.MULTILINE)
WRITE = (
    'Please. sim: call write {"path": "a.txt", "content": "{\\n}"} sim: call run {"n": [1]}\nsim: say "Done \\u00e9."'
)


def asked(*messages: Message, tools: tuple[str, ...] = ("write", "run")) -> Call:
    offered = tuple({"type": "function", "function": {"name": name}} for name in tools)
    return Call("a/x", messages, Sampling(tools=offered))


def made(reply: Completion | None) -> list[tuple[str, object]]:
    assert reply is not None
    return [(call.name, json.loads(call.arguments)) for call in reply.tool_calls]


def result(number: int) -> tuple[Message, Message]:
    call = ToolCall(id=f"c{number}", name="write", arguments="{}")
    return Message("assistant", "", (call,)), Message("tool", "ok", tool_call_id=call.id)


def test_calls_come_one_a_turn_then_the_text() -> None:
    user = Message("user", WRITE)
    first = obey(asked(user), FENCE)
    assert made(first) == [("write", {"path": "a.txt", "content": "{\n}"})]
    assert first is not None
    assert first.finish_reason == "tool_calls"
    second = obey(asked(user, *result(1)), FENCE)
    assert made(second) == [("run", {"n": [1]})]
    assert obey(asked(user, *result(1), *result(2)), FENCE) == Completion(text="Done é.")


def test_ids_differ_within_a_conversation() -> None:
    user = Message("user", WRITE)
    calls = [
        obey(asked(*messages), FENCE)
        for messages in ((user,), (user, *result(1)), (user, *result(1), *result(2), user))
    ]
    assert len({reply.tool_calls[0].id for reply in calls if reply}) == 3


def test_a_later_turn_without_orders_keeps_those_before() -> None:
    """As when an agent adds a reminder of its own."""
    assert made(obey(asked(Message("user", WRITE), Message("user", "Be brief.")), FENCE))


def test_tools_that_are_not_offered_are_not_called() -> None:
    reply = obey(asked(Message("user", WRITE), tools=()), FENCE)
    assert reply == Completion(text="Done é.")


@pytest.mark.parametrize(
    "message",
    [
        Message("user", "What is 6 times 7?"),
        Message("user", "sim: call write {broken"),
        Message("user", "sim: say nothing"),
        Message("assistant", WRITE),
        Message("user", f"<<< draft\n{WRITE}"),
    ],
)
def test_nothing_to_obey(message: Message) -> None:
    assert obey(asked(message), FENCE) is None


async def test_the_sim_obeys_and_streams_the_call() -> None:
    pieces: list[object] = []
    reply = await SimClient().complete(asked(Message("user", WRITE)), pieces.append)
    assert made(reply) == [("write", {"path": "a.txt", "content": "{\n}"})]
    assert len(pieces) == 1
    assert reply.simulated
    assert reply.usage is not None
    assert reply.usage.completion_tokens > 0


async def test_a_schema_goes_before_orders() -> None:
    """A judge that reads a conversation with orders still gives its verdict."""
    call = asked(Message("user", 'sim: say "no"'))
    wanted = {"type": "json_schema", "json_schema": {"schema": {"type": "object", "properties": {}}}}
    call = replace(call, sampling=call.sampling._replace(response_format=wanted))
    assert json.loads(Mind().reply(call).text) == {}
    assert (await SimClient().complete(call, ignore)).text == "{}"
