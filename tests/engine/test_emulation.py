from __future__ import annotations

import pytest

from fusion_graph.engine import emulation
from fusion_graph.messages import Completion, ToolCall
from fusion_graph.tools import TOOLS

OFFERED = [TOOLS["web_search"]]


def test_tools_are_described_with_their_schema() -> None:
    told = emulation.describe(OFFERED)
    assert "web_search" in told
    assert '"maxLength": 500' in told


@pytest.mark.parametrize(
    "text",
    [
        '{"tool": "web_search", "arguments": {"query": "x"}}',
        'I shall look.\n```json\n{"tool": "web_search", "arguments": {"query": "x"}}\n```',
        'So: {"name": "web_search", "arguments": {"query": "x"}} please',
    ],
)
def test_a_call_is_found(text: str) -> None:
    read = emulation.read(Completion(text=text), OFFERED, 3)
    assert read.tool_calls == (ToolCall(id="call_3", name="web_search", arguments='{"query": "x"}'),)
    assert read.text == ""


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        '{"tool": "rm", "arguments": {}}',
        '{"answer": 1}',
        '{"tool": "web_search", "arguments": []}',
        '{"a": {"tool": 1}}',
    ],
)
def test_an_answer_stays_an_answer(text: str) -> None:
    assert emulation.read(Completion(text=text), OFFERED, 1).text == text


def test_a_call_is_written_as_it_is_read() -> None:
    call = ToolCall(id="1", name="web_search", arguments='{"query": "x"}')
    assert emulation.read(Completion(text=emulation.write([call])), OFFERED, 1).tool_calls[0].name == "web_search"
    assert emulation.write([ToolCall(id="1", name="t", arguments="{")]) == '{"tool": "t", "arguments": {}}'
