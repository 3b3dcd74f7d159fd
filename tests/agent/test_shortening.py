from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fusion_graph.agent.shortening import TOLD, shorten, tokens_of
from fusion_graph.messages import Message, ToolCall


def steps(count: int, size: int) -> list[Message]:
    made = [Message("user", "the task")]
    for n in range(count):
        call = ToolCall(id=f"c{n}", name="read_file", arguments=f'{{"path": "f{n}"}}')
        made += [
            Message("assistant", f"step {n}", tool_calls=(call,)),
            Message("tool", "x" * size, tool_call_id=f"c{n}"),
        ]
    return made


def test_what_fits_stays() -> None:
    messages = steps(3, 10)
    assert shorten(messages, 10_000) == messages


def test_old_results_go_first() -> None:
    made = shorten(steps(20, 4000), 12_000)
    assert tokens_of(made) <= 12_000
    assert "characters left out" in made[2].text
    assert made[-1].text == "x" * 4000
    assert len(made) == 41


def test_then_old_steps_are_told_in_a_line_each() -> None:
    made = shorten(steps(200, 600), 3000)
    assert tokens_of(made) <= 3000
    assert made[0].text == "the task"
    assert made[1].text.startswith("What was done before, in short:")
    assert "- called read_file" in made[1].text


def test_a_story_has_what_was_said_called_and_asked_once_each_however_often_it_is_told() -> None:
    later = [Message("user", "and   now\nthis"), *steps(30, 600)[1:]]
    told = shorten([*steps(30, 600), *later], 2500)[1].text.splitlines()
    assert told[:3] == ["What was done before, in short:", "- step 0", '- called read_file {"path": "f0"}']
    assert "- asked: and now this" in told
    assert len(set(told)) == len(told)
    assert not any(line.startswith("- asked: What was done before") for line in told)


def test_a_long_line_of_a_story_is_cut() -> None:
    talkative = [Message("assistant", "word " * 200) if m.role == "assistant" else m for m in steps(1, 1)][:2]
    made = shorten([*talkative, *steps(60, 600)[1:]], 3000)
    line = made[1].text.splitlines()[1]
    assert (len(line), line[-3:]) == (2 + 2 * TOLD, "...")


@given(st.integers(0, 60), st.integers(0, 3000), st.integers(200, 20_000))
def test_no_call_is_parted_from_its_answer(count: int, size: int, room: int) -> None:
    made = shorten(steps(count, size), room)
    asked = [call.id for message in made for call in message.tool_calls]
    answered = [message.tool_call_id for message in made if message.role == "tool"]
    assert asked == answered
    assert made[0].role == "user"


@given(st.integers(0, 40), st.integers(0, 30_000), st.integers(0, 9000), st.integers(1000, 20_000))
def test_whatever_was_said_it_fits(count: int, size: int, asked: int, room: int) -> None:
    """Long results, a long task, long arguments, all calls in one step: the window holds it."""
    content = f'{{"content": "{"y" * size}"}}'
    calls = tuple(ToolCall(id=f"p{n}", name="write_file", arguments=content) for n in range(9))
    answers = [Message("tool", "é" * size, tool_call_id=call.id) for call in calls]
    at_once = [Message("assistant", "", tool_calls=calls), *answers]
    made = shorten([Message("user", "x" * asked), *steps(count, size)[1:], *at_once], room)
    assert tokens_of(made) <= room
    assert [call.id for m in made for call in m.tool_calls] == [m.tool_call_id for m in made if m.role == "tool"]
