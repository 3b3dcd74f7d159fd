from __future__ import annotations

import asyncio

from fusion_graph.agent.asking import REFUSED, Asker, settle_plan
from fusion_graph.tools import TOOLS


class Typed:
    """A keyboard whose lines are given."""

    def __init__(self, *lines: str | type[BaseException], text: str = "") -> None:
        self._lines = list(lines)
        self._text = text
        self.asked = 0
        self.questions: list[str] = []

    async def line(self, question: str, *, fresh: bool = True) -> str:
        self.asked += 1
        self.questions.append(question)
        line = self._lines.pop(0)
        if isinstance(line, str):
            return line
        raise line

    async def text(self, question: str, given: str) -> str:
        return self._text or given


async def test_yes_no_and_always() -> None:
    keyboard = Typed("maybe", "y", "no", "n: use the other file", "always")
    asker = Asker(keyboard)
    bash, edit = TOOLS["bash"], TOOLS["edit_file"]
    assert await asker(bash, "$ ls") == ""
    assert await asker(bash, "$ rm x") == REFUSED
    assert await asker(edit, "diff") == f"{REFUSED}: use the other file"
    assert await asker(bash, "$ make") == ""
    assert await asker(bash, "$ anything") == ""
    assert keyboard.asked == 5
    assert keyboard.questions[:2] == [
        "bash? yes, no, always for bash: ",
        "please say yes, no (a reason may follow) or always: ",
    ]


async def test_whoever_goes_away_has_refused() -> None:
    for gone in (EOFError, KeyboardInterrupt):
        assert await Asker(Typed(gone))(TOOLS["bash"], "$ ls") == REFUSED
        assert await settle_plan(Typed(gone), "plan") is None


async def test_ctrl_c_stops_whoever_asked() -> None:
    async def step() -> str:
        task = asyncio.current_task()
        assert task is not None
        return await Asker(Typed(KeyboardInterrupt), task.cancel)(TOOLS["bash"], "$ ls")  # type: ignore[arg-type]

    task = asyncio.create_task(step())
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_plan_is_taken_refused_or_changed() -> None:
    assert await settle_plan(Typed("what", "yes"), "plan") == ""
    assert await settle_plan(Typed("n"), "plan") is None
    assert await settle_plan(Typed("edit", text="other"), "plan") == "other"
    assert await settle_plan(Typed("e"), "plan") == ""
    assert await settle_plan(Typed("edit", text=" \n"), "plan") is None
