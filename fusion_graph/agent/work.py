"""The agent's loop: ask the model, do what it calls for, until it finishes, answers, or a bound is reached."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from fusion_graph.agent import briefing
from fusion_graph.agent.brain import Brain, Lost, Reply
from fusion_graph.agent.happenings import (
    Began,
    Changing,
    End,
    Ended,
    Gave,
    Planned,
    Shortened,
    Stepped,
    Tell,
    Thought,
    Used,
)
from fusion_graph.agent.memory import PUT_OFF, Memory
from fusion_graph.agent.preview import preview
from fusion_graph.agent.shortening import shorten, tokens_of
from fusion_graph.contracts import Tool
from fusion_graph.engine import emulation
from fusion_graph.engine.estimates import text_tokens
from fusion_graph.engine.toolloop import NOT_OFFERED
from fusion_graph.engine.tooluse import (
    UNSURE,
    Answered,
    fenced,
    in_turn,
    read_arguments,
    run_tool,
    wire_tool,
)
from fusion_graph.errors import RunFailed, ToolError
from fusion_graph.messages import Message, ToolCall
from fusion_graph.toolbox import Toolbox

PREVIEWED = frozenset({"write_file", "edit_file", "bash"})
STUCK = 5
LEAST = 500  # tokens of a conversation with which any work can be done


Approve: TypeAlias = Callable[[Tool, str], Awaitable[str]]
"""A tool and what its call will do; "" allows it, else why not."""


class Bounds(NamedTuple):
    """`window`: tokens of the conversation with its rules and tools, by estimate."""

    steps: int = 60
    budget_usd: float | None = None
    window: int = 100_000
    tool_s: float = 600.0
    shown: int = 16_000


@dataclass(slots=True, kw_only=True)
class Agent:
    """One session at work."""

    brain: Brain
    box: Toolbox
    memory: Memory
    tell: Tell
    fence: str
    approve: Approve | None = None
    bounds: Bounds = field(default_factory=Bounds)
    before_change: Callable[[], Awaitable[None]] | None = None  # called once, ahead of the first call that changes
    _alike: tuple[object, ...] = ()  # the last steps, as far as each only failed, and as the one before
    _learned: int = 0  # a window that is smaller than was believed

    def left(self) -> float | None:
        """Dollars that the next reply may cost; None without a budget."""
        budget, spent = self.bounds.budget_usd, self.memory.cost_usd
        return None if budget is None else max(0.0, budget - (budget if spent is None else spent))

    async def plan(self, task: str | None) -> str:
        """A numbered plan, made with tools that change nothing. Without a task: the one that was cut off."""
        await self._begin(task, planning=True)
        last = self.memory.messages[-1]
        if last.role == "assistant" and not last.tool_calls:  # it was there already
            return self._planned(last.text)
        reading = [t for t in self.box.tools.values() if not t.mutates and not t.ends]
        ended = await self._loop(reading, nudges=0)
        if ended.state != "answered":
            raise RunFailed(ended.state, ended.text)
        return self._planned(ended.text)

    def _planned(self, plan: str) -> str:
        self.tell(Planned(plan))
        return plan

    async def act(self, plan: str = "", *, nudges: int = 1) -> Ended:
        """Act on the plan that was made, or on another one."""
        if plan:
            self.tell(Planned(plan, "user"))
        self.memory.note(planning=False)
        self.memory.add(Message("user", briefing.ACT_ON.format(plan=plan) if plan else briefing.ACT))
        return self._end(await self._loop(list(self.box.tools.values()), nudges=nudges))

    async def work(self, task: str | None, *, nudges: int = 1) -> Ended:
        """Do a task; without one go on in the middle of the step that was cut off. `nudges`: how often a model that
        stops without finishing is told to go on."""
        await self._begin(task)
        return self._end(await self._loop(list(self.box.tools.values()), nudges=nudges))

    async def _begin(self, task: str | None, *, planning: bool = False) -> None:
        """A session is named once it is there to be gone on with."""
        self.memory.series.title = self.memory.series.title or task or ""
        if task is not None:
            if (lost := self.memory.give_up()) is not None:
                self.tell(lost)
            self.memory.mend(PUT_OFF)
            self.memory.note(planning=planning)
            self.memory.add(Message("user", f"{task}\n\n{briefing.PLAN}" if planning else task))
        await self.memory.series.flush()
        self.tell(Began(self.memory.name, task or ""))

    def _end(self, ended: Ended) -> Ended:
        self.memory.note(ended=True)
        self.tell(ended)
        return ended

    async def _loop(self, tools: Sequence[Tool], *, nudges: int) -> Ended:
        system, self._alike = await briefing.brief(self.box.site), ()
        for _ in range(self.bounds.steps):
            calls = self.memory.open_calls  # of a step that was cut off
            if not calls:
                try:
                    said = await self._think(system, tools)
                except Lost as lost:
                    self.memory.spend(lost.tokens, lost.cost_usd)
                    return Ended("budget" if lost.reason == "budget" else "failed", lost.message)
                calls = list(said.tool_calls)
            if calls:
                answers = await self._act(calls, tools)
                self._count()
                last = next((a for a in answers if a.ends), None)
                if last is not None:
                    return Ended("finished", last.text)
                if self._is_stuck(calls, answers):
                    return Ended("failed", f"it made the same call {STUCK} times, which failed alike")
                continue
            self._count()
            if not nudges:
                return Ended("answered", said.text)
            nudges -= 1
            self.memory.add(Message("user", briefing.NUDGE))
        steps = self.bounds.steps
        return Ended("steps", "one step was not enough" if steps == 1 else f"{steps} steps were not enough")

    def _is_stuck(self, calls: Sequence[ToolCall], answers: Sequence[Answered]) -> bool:
        """A model that does not see why something fails would try it until a bound is reached."""
        failing = [(c.name, c.arguments, a.text) for c, a in zip(calls, answers, strict=True) if not a.ok]
        whole = len(failing) == len(calls)
        self._alike = (*self._alike, failing) if whole and failing in self._alike else (failing,) if whole else ()
        return len(self._alike) >= STUCK

    def _count(self) -> None:
        self.tell(Stepped(self.memory.replies, self.memory.tokens, self.memory.cost_usd))

    # --- thinking -----------------------------------------------------------------------------------------------------

    async def _think(self, system: str, tools: Sequence[Tool]) -> Message:
        """What the model says next, which is then part of the conversation. One that was too long all the same, as
        tokens are estimated, is shortened and sent once more. Raises Lost."""
        spent, budget = self.memory.cost_usd, self.bounds.budget_usd
        if budget is not None and (spent is None or spent >= budget):
            raise Lost("budget", f"the budget of ${budget:g} is spent" if spent else "a price is unknown")
        offered = [wire_tool(tool) for tool in tools]
        fixed = tokens_of([Message("system", system)]) + text_tokens(json.dumps(offered))
        self._fit(fixed, self._learned or self.bounds.window)
        try:
            return await self._reply(system, tools)
        except Lost as lost:
            size = tokens_of(self.memory.messages)
            if lost.reason != "context_length" or size < LEAST:
                raise
            self.memory.spend(lost.tokens, lost.cost_usd)
            self._learned = fixed + size * 2 // 3
            self._fit(fixed, self._learned)
        return await self._reply(system, tools)

    async def _reply(self, system: str, tools: Sequence[Tool]) -> Message:
        native = self.memory.native and self.brain.takes_tools
        try:
            reply = await self._ask(system, tools, native=native)
        except Lost as lost:
            first = not any(message.tool_calls for message in self.memory.messages)
            if not native or not first or lost.reason not in NOT_OFFERED:
                raise
            self.memory.spend(lost.tokens, lost.cost_usd)
            self.memory.note(native=False)
            reply = await self._ask(system, tools, native=False)
        completion = reply.completion
        said = Message("assistant", completion.text, tool_calls=completion.tool_calls)
        self.memory.reply(said, reply.tokens, reply.cost_usd)
        if said.text.strip():
            self.tell(Thought(self.memory.replies, said.text))
        return said

    async def _ask(self, system: str, tools: Sequence[Tool], *, native: bool) -> Reply:
        """Without native tools, calls and answers of the conversation are told as text."""
        if native:
            messages = (Message("system", system), *self.memory.messages)
            return await self.brain.think(messages, [wire_tool(tool) for tool in tools], run_id=self.memory.step_id)
        words = f"{system}\n\n{emulation.describe(tools)}"
        messages = (Message("system", words), *map(_as_text, self.memory.messages))
        reply = await self.brain.think(messages, (), run_id=self.memory.step_id)
        return reply._replace(completion=emulation.read(reply.completion, tools, len(self.memory.messages)))

    def _fit(self, fixed: int, window: int) -> None:
        """Shorten the conversation where it would outgrow the window, of which rules and tools take `fixed`."""
        room, before = window - fixed, tokens_of(self.memory.messages)
        if room < LEAST:
            raise Lost("context_length", f"it may read {window} tokens; rules and tools alone take {fixed}")
        if before <= room:
            return
        self.memory.shorten(shorten(self.memory.messages, room * 3 // 4))
        self.tell(Shortened(self.memory.replies + 1, before, tokens_of(self.memory.messages)))

    # --- acting -------------------------------------------------------------------------------------------------------

    async def _act(self, calls: Sequence[ToolCall], tools: Sequence[Tool]) -> list[Answered]:
        by_name = {tool.name: tool for tool in tools}
        steps = [(c.name in by_name and by_name[c.name].mutates, self._step(c, by_name)) for c in calls]
        return await in_turn(steps)

    def _step(self, call: ToolCall, tools: Mapping[str, Tool]) -> Callable[[], Awaitable[Answered]]:
        async def step() -> Answered:
            self.tell(Used(self.memory.replies, call.name, call.arguments, call.id))
            tool = tools.get(call.name)
            answer, told = await self._answer(tool, call, list(tools))
            self.memory.add(Message("tool", told, tool_call_id=call.id))
            await self.memory.series.flush()
            self.tell(Gave(self.memory.replies, call.name, answer.ok, answer.text, answer.seconds, call.id))
            return answer

        return step

    async def _answer(self, tool: Tool | None, call: ToolCall, names: Sequence[str]) -> tuple[Answered, str]:
        """What came of a call, and what the model is told of it."""
        refused = ""
        if tool is not None and tool.mutates:
            refused = UNSURE if call.id in self.memory.unsure else await self._refused(tool, call)
            if not refused:
                await self.memory.act(call)
        if refused:
            return Answered(ok=False, text=refused), refused
        shown, seconds = min(self.bounds.shown, self.bounds.window), self.bounds.tool_s
        answer = await run_tool(tool, call, names, site=self.box.site, seconds=seconds, shown=shown)
        return answer, fenced(call.name, answer.text, self.fence)

    async def _refused(self, tool: Tool, call: ToolCall) -> str:
        """Why a call that changes something is not made; "" when it may be. A call that cannot succeed is not asked
        about."""
        change = self._change(tool, call)
        if change is None:
            return ""
        if tool.name in PREVIEWED or self.approve is not None:
            self.tell(Changing(self.memory.replies, tool.name, change))
        if self.approve is not None and (why := await self.approve(tool, change)):
            return why
        if self.before_change is not None:
            before, self.before_change = self.before_change, None
            await before()
        return ""

    def _change(self, tool: Tool, call: ToolCall) -> str | None:
        """What it will do, as people are shown it; None when it cannot succeed."""
        try:
            arguments = read_arguments(tool, call.arguments)
            if tool.name in PREVIEWED:
                return preview(tool.name, arguments, self.box.site.workspace)
        except ToolError:
            return None
        return json.dumps(arguments, ensure_ascii=False, indent=2)


def _as_text(message: Message) -> Message:
    if message.role == "tool":
        return Message("user", message.text)
    if message.tool_calls:
        return Message("assistant", "\n".join(filter(None, [message.text, emulation.write(message.tool_calls)])))
    return message


def exit_code(state: End) -> int:
    """0 when the work is done, 4 for a bound, 1 for a failure."""
    return {"finished": 0, "answered": 0, "steps": 4, "budget": 4, "failed": 1}[state]
