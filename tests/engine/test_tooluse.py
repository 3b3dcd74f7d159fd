"""One use of a tool: what is told of it, whatever went wrong, and the order in which several are made."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from fusion_graph.contracts import Tool
from fusion_graph.engine.tooluse import UNSURE, Answered, cut, in_turn, read_arguments, recalled, run_tool, short
from fusion_graph.errors import ToolError
from fusion_graph.messages import Told, ToolCall

WANTS = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"], "additionalProperties": False}


def tool(run: Any, *, mutates: bool = False) -> Tool:
    return Tool(name="t", description="", parameters=WANTS, run=run, mutates=mutates)


async def echo(arguments: Mapping[str, Any], site: Any) -> str:
    return f"{site}: {arguments['q']}"


async def used(run: Any, arguments: str = '{"q": "a"}', seconds: float = 60.0) -> Answered:
    call = ToolCall(id="1", name="t", arguments=arguments)
    return await run_tool(tool(run), call, ["t"], site="here", seconds=seconds, shown=100)


async def test_a_good_call_gives_its_text() -> None:
    answer = await used(echo)
    assert (answer.ok, answer.text) == (True, "here: a")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [("{", "error: the arguments are not JSON"), ('{"p": 1}', "error: the arguments do not fit t"), ("[]", "error: ")],
)
async def test_wrong_arguments_are_told_and_the_tool_is_not_run(arguments: str, told: str) -> None:
    async def never(_arguments: Mapping[str, Any], _site: Any) -> str:
        raise AssertionError

    answer = await used(never, arguments)
    assert (answer.ok, answer.text.startswith(told)) == (False, True)


async def test_an_unknown_tool_is_told_with_those_there_are() -> None:
    call = ToolCall(id="1", name="x", arguments="{}")
    answer = await run_tool(None, call, ["t", "u"], site=None, seconds=1.0, shown=100)
    assert (answer.ok, answer.text) == (False, "error: there is no tool 'x'; there are: t, u")


async def test_its_fault_is_cut_like_its_text() -> None:
    async def fails(_arguments: Mapping[str, Any], _site: Any) -> str:
        raise ToolError("x" * 500)

    answer = await used(fails)
    assert (answer.ok, "[... 400 characters cut ...]" in answer.text) == (False, True)


async def test_its_time_has_an_end() -> None:
    async def hangs(_arguments: Mapping[str, Any], _site: Any) -> str:
        await asyncio.Event().wait()
        return ""

    answer = await used(hangs, seconds=-1.0)
    assert (answer.ok, answer.text) == (False, "error: no time is left for tools")


@pytest.mark.parametrize(
    ("known", "mutates", "expected"),
    [
        (Told(True, "did it"), True, Answered(ok=True, text="did it")),
        (Told(False, "error: no"), True, Answered(ok=False, text="error: no")),
        (Told(None, ""), True, Answered(ok=False, text=UNSURE)),
        (Told(None, ""), False, None),
    ],
)
def test_what_an_earlier_try_knows(known: Told, mutates: bool, expected: Answered | None) -> None:
    assert recalled(known, tool(echo, mutates=mutates)) == expected


async def test_the_order_of_answers_is_that_of_the_calls() -> None:
    gate = asyncio.Event()

    async def late() -> Answered:
        await gate.wait()
        return Answered(ok=True, text="late")

    async def soon() -> Answered:
        gate.set()
        return Answered(ok=True, text="soon")

    assert [a.text for a in await in_turn([(False, late), (False, soon), (True, soon)])] == ["late", "soon", "soon"]


def test_no_arguments_are_an_empty_object() -> None:
    bare = Tool(name="t", description="", parameters={"type": "object"}, run=echo)
    assert read_arguments(bare, "") == {}


def test_long_texts_say_what_was_cut() -> None:
    assert cut("short", 100) == "short"
    assert cut("a" * 50 + "b" * 50, 10) == "aaaaa\n[... 90 characters cut ...]\nbbbbb"
    assert short('{"a":\n  1}') == '{"a": 1}'
    assert short("{" * 300) == "{" * 197 + "..."
