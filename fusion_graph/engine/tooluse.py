"""One use of a tool, for a text that is written or for an agent: arguments read, the tool run, what it gave told as
material. It never raises for what the model or the tool did wrong.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from fusion_graph.contracts import Tool
from fusion_graph.errors import ToolError
from fusion_graph.graph.structure import parse_strictly, problems
from fusion_graph.messages import Told, ToolCall

_ANY = {"type": "object"}
UNSURE = (
    "The program was ended while this call was under way: it may or may not have happened. Look what is there before"
    " you do it again."
)


class Answered(NamedTuple):
    """What became of one call. `text` is what the model is told; `ok`: the tool did what was asked."""

    ok: bool
    text: str
    seconds: float = 0.0
    ends: bool = False
    sources: tuple[tuple[str, str], ...] = ()


async def run_tool(
    tool: Tool | None, call: ToolCall, names: Sequence[str], *, site: Any, seconds: float, shown: int
) -> Answered:
    """Check the arguments and run it. Never raises for what the model or the tool did wrong."""
    began = now()
    try:
        if tool is None:
            raise ToolError(f"there is no tool {call.name!r}; there are: {', '.join(names)}")  # noqa: TRY301
        arguments = read_arguments(tool, call.arguments)
        async with asyncio.timeout(max(seconds, 0.001)):
            text = await tool.run(arguments, site)
    except ToolError as fault:
        return Answered(ok=False, text=f"error: {cut(fault.message, shown)}", seconds=now() - began)
    except TimeoutError:
        return Answered(ok=False, text="error: no time is left for tools", seconds=now() - began)
    shown_text, seconds = cut(text, shown), now() - began
    return Answered(ok=True, text=shown_text, seconds=seconds, ends=tool.ends, sources=tool.sources(text))


def recalled(known: Told, tool: Tool | None) -> Answered | None:
    """A call that an earlier try made is not made again, but for one that changes nothing and of which nobody knows
    what came of it."""
    if known.ok is None:
        return Answered(ok=False, text=UNSURE) if tool is not None and tool.mutates else None
    sources = tool.sources(known.text) if tool is not None and known.ok else ()
    return Answered(ok=known.ok, text=known.text, sources=sources)


def read_arguments(tool: Tool, text: str) -> Mapping[str, Any]:
    """The arguments of a call. Raises ToolError with everything that does not fit the tool's schema."""
    try:
        arguments = parse_strictly(text or "{}")
    except ValueError as fault:
        raise ToolError(f"the arguments are not JSON: {fault}") from None
    found = problems(tool.parameters if tool.checked else _ANY, arguments)
    if found:
        raise ToolError(f"the arguments do not fit {tool.name}: {'; '.join(found)}")
    assert isinstance(arguments, dict)
    return arguments


async def in_turn(steps: Sequence[tuple[bool, Callable[[], Awaitable[Answered]]]]) -> list[Answered]:
    """Answers in the order asked. Steps that change nothing run at once; one that does runs alone, in its place."""
    answers: list[Answered] = []
    waiting: list[Callable[[], Awaitable[Answered]]] = []
    for mutates, step in steps:
        if mutates:
            answers += await _at_once(waiting)
            waiting = []
            answers.append(await step())
        else:
            waiting.append(step)
    return [*answers, *await _at_once(waiting)]


async def _at_once(steps: Sequence[Callable[[], Awaitable[Answered]]]) -> list[Answered]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_awaited(step)) for step in steps]
    return [task.result() for task in tasks]


async def _awaited(step: Callable[[], Awaitable[Answered]]) -> Answered:
    return await step()


def wire_tool(tool: Tool) -> Mapping[str, Any]:
    """As it goes on the wire."""
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def fenced(name: str, text: str, fence: str) -> str:
    """A result that cannot be taken for anything else: nobody who wrote it knew the fence."""
    return f"<<< result of {name} | {fence} >>>\n{text.replace(fence, '')}\n<<< end of {name} | {fence} >>>"


def cut(text: str, shown: int) -> str:
    """The beginning and the end, with what was left out stated."""
    if len(text) <= shown:
        return text
    half = shown // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters cut ...]\n{text[-half:]}"


def short(arguments: str, width: int = 200) -> str:
    """The arguments of a call on one line."""
    try:
        text = json.dumps(json.loads(arguments), ensure_ascii=False)
    except (ValueError, RecursionError):
        text = arguments
    return text if len(text) <= width else f"{text[: width - 3]}..."


def now() -> float:
    """Of the running loop, by which all of its time is measured."""
    return asyncio.get_running_loop().time()
