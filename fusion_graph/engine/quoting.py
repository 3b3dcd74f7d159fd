"""The conversation for nodes that are given no tools: earlier calls and results told as text. Many upstreams refuse
messages of tools where no tools come along (wire contract 1.8). Pure.
"""

from __future__ import annotations

from fusion_graph.messages import Message


def quote_tools(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The same tuple where no tool was called."""
    for message in messages:
        if message.tool_calls or message.role == "tool":
            break
    else:
        return messages
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    return tuple(_quoted(message, names) for message in messages)


def _quoted(message: Message, names: dict[str, str]) -> Message:
    if message.role == "tool":
        tool = names.get(message.tool_call_id) or message.tool_call_id
        return Message("user", f"[the tool {tool} answered]\n{message.text}")
    if message.tool_calls:
        told = [f"[calls the tool {call.name} with {call.arguments}]" for call in message.tool_calls]
        return Message("assistant", "\n".join(filter(None, (message.text, *told))))
    return message
