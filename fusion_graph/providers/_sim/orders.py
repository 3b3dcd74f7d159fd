"""What a user tells a simulated model to do, so that clients with tools can be tried without a model:

    sim: call write {"path": "hello.txt", "content": "hi"}
    sim: say "It is written."

Calls are made one a turn, in order, if the caller offers a tool of that name; then what is to be said is said. Nothing
is remembered: where a conversation stands is read off its tool results.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from fusion_graph.messages import Call, Completion, Message, ToolCall

_ORDER = re.compile(r"sim: (?:call ([\w.-]{1,64}) (?=\{)|say (?=\"))")


class _Order(NamedTuple):
    """`tool` "" = say `value`."""

    tool: str
    value: Any


def obey(call: Call, fence: re.Pattern[str]) -> Completion | None:
    """The reply that the last user turn with orders wants next; None if there is nothing to obey. Turns that show
    drafts (they hold a `fence`) give no orders: drafts are data."""
    place, orders = _find(call.messages, fence)
    calls = [order for order in orders if order.tool in _offered(call)]
    done = sum(message.role == "tool" for message in call.messages[place:])
    if done < len(calls):
        tool, value = calls[done]
        made = ToolCall(id=f"call_sim_{place}_{done}", name=tool, arguments=json.dumps(value))
        return Completion(tool_calls=(made,), finish_reason="tool_calls")
    return next((Completion(text=order.value) for order in orders if not order.tool), None)


def _find(messages: Sequence[Message], fence: re.Pattern[str]) -> tuple[int, list[_Order]]:
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        orders = _read(message.text) if message.role == "user" else []
        if orders and not fence.search(message.text):
            return place, orders
    return 0, []


def _read(text: str) -> list[_Order]:
    """What is not JSON is no order."""
    orders = []
    for found in _ORDER.finditer(text):
        try:
            value, _ = json.JSONDecoder().raw_decode(text, found.end())
        except ValueError:
            continue
        orders.append(_Order(found[1] or "", value))
    return orders


def _offered(call: Call) -> set[str]:
    return {str(tool.get("function", {}).get("name")) for tool in call.sampling.tools}
