"""Conversations from the first line to the last: what stays after a failure, and what Ctrl-C does."""

from __future__ import annotations

import asyncio

from fusion_graph.chat.talk import Talk
from fusion_graph.errors import Permanent
from tests.chat.talking import Remembered, ScriptedPanel, talked

LOST = Permanent("bad_request", "refused")


async def test_the_conversation_goes_along() -> None:
    talk, screen = await talked({"s/w": ["first answer", "second answer"], "*": "draft"}, "one", "", "  ", "two")
    assert [turn.answer for turn in talk.session.turns] == ["first answer", "second answer"]
    assert isinstance(talk.panel, ScriptedPanel)
    said = [m.text for m in talk.panel.stage.sent("a/x")[1].messages]
    assert said == ["one", "first answer", "two"]
    assert screen.told.count("begin") == 2


async def test_a_failed_turn_leaves_everything_as_it_was() -> None:
    talk, screen = await talked({"s/w": ["fine", LOST, "fine again"], "*": "draft"}, "one", "two", "three")
    assert [turn.question for turn in talk.session.turns] == ["one", "three"]
    assert talk.failures == 1
    assert len(talk.session.runs) == 3
    assert "error: no node gave a usable answer" in screen.text
    assert isinstance(talk.panel, ScriptedPanel)
    assert [m.text for m in talk.panel.stage.sent("a/x")[2].messages] == ["one", "fine", "three"]


async def test_a_thrown_away_line_is_no_end() -> None:
    talk, _ = await talked({"*": "words"}, KeyboardInterrupt(), "one")
    assert len(talk.session.turns) == 1


async def test_two_in_a_row_leave_and_a_line_between_begins_anew() -> None:
    talk, screen = await talked(
        {"*": "words"}, KeyboardInterrupt(), "one", KeyboardInterrupt(), KeyboardInterrupt(), "two"
    )
    assert [turn.question for turn in talk.session.turns] == ["one"]
    assert screen.told.count("Ctrl-C once more leaves") == 2


async def test_a_line_without_a_turn_is_no_interrupt() -> None:
    talk, _ = await talked({"*": "words"}, "/help", KeyboardInterrupt(), "one")
    assert [turn.question for turn in talk.session.turns] == ["one"]


async def test_ctrl_c_is_the_screens_again_after_a_turn() -> None:
    _, screen = await talked({"*": "words"}, "one")
    assert screen.stop is not None
    assert not screen.waiting.is_set()


async def test_a_question_may_begin_with_a_slash() -> None:
    talk, _ = await talked({"*": "words"}, "//etc is a folder?")
    assert talk.session.turns[0].question == "/etc is a folder?"


async def conversation(*lines: str | BaseException) -> tuple[Talk, Remembered, asyncio.Task[None], asyncio.Event]:
    """One whose first answer waits for a gate."""
    gate = asyncio.Event()
    screen = Remembered(*lines)
    talk = Talk(ScriptedPanel({"s/w": [(gate, "late"), "soon"], "*": "draft"}), screen)
    task = asyncio.create_task(talk.run())
    assert isinstance(talk.panel, ScriptedPanel)
    await talk.panel.stage.sim.called("s/w")
    return talk, screen, task, gate


async def test_one_interrupt_stops_the_turn_and_the_next_one_is_answered() -> None:
    talk, screen, task, _gate = await conversation("one", "two")
    assert screen.stop is not None
    screen.stop()
    await task
    assert [turn.question for turn in talk.session.turns] == ["two"]
    assert "stopped; the conversation is as it was before; Ctrl-C once more leaves" in screen.told
    assert len(talk.session.cut_short) == 1
    assert talk.session.cost_usd == 0.0


async def test_the_second_interrupt_may_come_when_the_turn_has_ended() -> None:
    talk, screen, task, _gate = await conversation("one", KeyboardInterrupt(), "two")
    assert screen.stop is not None
    screen.stop()
    await task
    assert talk.session.turns == []


async def test_two_interrupts_leave() -> None:
    talk, screen, task, _gate = await conversation("one", "two")
    assert screen.stop is not None
    screen.stop()
    screen.stop()
    await task
    assert talk.session.turns == []


async def test_a_cancellation_from_outside_goes_on() -> None:
    _talk, _screen, task, _gate = await conversation("one")
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
