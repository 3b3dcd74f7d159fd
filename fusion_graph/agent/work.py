"""The agent's loop: ask the model, do what it calls for, until it finishes, answers, or a bound is reached."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias

from fusion_graph.agent import briefing
from fusion_graph.agent.happenings import Began, End, Ended, Gave, Planned, Shortened, Stepped, Tell, Thought, Used
from fusion_graph.agent.memory import PUT_OFF, Memory
from fusion_graph.agent.preview import preview
from fusion_graph.agent.shortening import shorten, tokens_of
from fusion_graph.contracts import Tool
from fusion_graph.engine import emulation
from fusion_graph.engine.toolloop import (
    NOT_OFFERED,
    UNSURE,
    Answered,
    fenced,
    in_turn,
    read_arguments,
    run_tool,
    wire_tool,
)
from fusion_graph.errors import RunFailed, ToolError
from fusion_graph.messages import Completion, Message, ToolCall
from fusion_graph.toolbox import Toolbox

SPENT = "session_budget"
PREVIEWED = frozenset({"write_file", "edit_file", "bash"})


class Lost(RunFailed):
    """The brain gave no reply; what it cost all the same."""

    tokens = 0
    cost_usd: float | None = 0.0


class Reply(NamedTuple):
    """What the brain said, and what it took."""

    completion: Completion
    tokens: int
    cost_usd: float | None


class Brain(Protocol):
    """A model or a pipeline. `takes_tools`: it takes them as such, else they are described in words."""

    takes_tools: bool

    async def think(
        self, messages: tuple[Message, ...], tools: Sequence[Mapping[str, Any]], *, run_id: str = ""
    ) -> Reply:
        """Raises Lost. A run of this id that was cut off goes on."""


Approve: TypeAlias = Callable[[Tool, str], Awaitable[str]]
"""A tool and what its call will do; "" allows it, else why not."""


class Bounds(NamedTuple):
    """`window`: tokens of the conversation, by estimate."""

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
        system = await briefing.brief(self.box.site)
        for _ in range(self.bounds.steps):
            calls = self.memory.open_calls  # of a step that was cut off
            if not calls:
                try:
                    said = await self._think(system, tools)
                except Lost as lost:
                    self.memory.spend(lost.tokens, lost.cost_usd)
                    return Ended("failed" if lost.reason != SPENT else "budget", lost.message)
                calls = list(said.tool_calls)
            if calls:
                answers = await self._act(calls, tools)
                self._count()
                last = next((a for a in answers if a.ends), None)
                if last is not None:
                    return Ended("finished", last.text)
                continue
            self._count()
            if not nudges:
                return Ended("answered", said.text)
            nudges -= 1
            self.memory.add(Message("user", briefing.NUDGE))
        return Ended("steps", f"{self.bounds.steps} steps were not enough")

    def _count(self) -> None:
        self.memory.steps += 1
        self.tell(Stepped(self.memory.steps, self.memory.tokens, self.memory.cost_usd))

    # --- thinking -----------------------------------------------------------------------------------------------------

    async def _think(self, system: str, tools: Sequence[Tool]) -> Message:
        """What the model says next, which is then part of the conversation. Raises Lost."""
        spent, budget = self.memory.cost_usd, self.bounds.budget_usd
        if budget is not None and (spent is None or spent >= budget):
            raise Lost(SPENT, f"the budget of ${budget:g} is spent" if spent else "a price is unknown")
        self._fit(system)
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
            self.tell(Thought(self.memory.steps, said.text))
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

    def _fit(self, system: str) -> None:
        room = self.bounds.window - tokens_of([Message("system", system)])
        before = tokens_of(self.memory.messages)
        if before > room:
            self.memory.shorten(shorten(self.memory.messages, room * 3 // 4))
            self.tell(Shortened(self.memory.steps, before, tokens_of(self.memory.messages)))

    # --- acting -------------------------------------------------------------------------------------------------------

    async def _act(self, calls: Sequence[ToolCall], tools: Sequence[Tool]) -> list[Answered]:
        by_name = {tool.name: tool for tool in tools}
        steps = [(c.name in by_name and by_name[c.name].mutates, self._step(c, by_name)) for c in calls]
        return await in_turn(steps)

    def _step(self, call: ToolCall, tools: Mapping[str, Tool]) -> Callable[[], Awaitable[Answered]]:
        async def step() -> Answered:
            self.tell(Used(self.memory.steps, call.name, call.arguments))
            tool = tools.get(call.name)
            answer, told = await self._answer(tool, call, list(tools))
            self.memory.add(Message("tool", told, tool_call_id=call.id))
            await self.memory.series.flush()
            self.tell(Gave(self.memory.steps, call.name, answer.ok, answer.text, answer.seconds))
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
        answer = await run_tool(
            tool, call, names, site=self.box.site, seconds=self.bounds.tool_s, shown=self.bounds.shown
        )
        return answer, fenced(call.name, answer.text, self.fence)

    async def _refused(self, tool: Tool, call: ToolCall) -> str:
        """Why a call that changes something is not made; "" when it may be. A call that cannot succeed is not asked
        about."""
        if self.approve is not None:
            try:
                arguments = read_arguments(tool, call.arguments)
                shown = (
                    preview(tool.name, arguments, self.box.site.workspace) if tool.name in PREVIEWED else call.arguments
                )
            except ToolError:
                return ""
            why = await self.approve(tool, shown)
            if why:
                return why
        if self.before_change is not None:
            before, self.before_change = self.before_change, None
            await before()
        return ""


def _as_text(message: Message) -> Message:
    if message.role == "tool":
        return Message("user", message.text)
    if message.tool_calls:
        return Message("assistant", "\n".join(filter(None, [message.text, emulation.write(message.tool_calls)])))
    return message


def exit_code(state: End) -> int:
    """0 when the work is done, 4 for a bound, 1 for a failure."""
    return {"finished": 0, "answered": 0, "steps": 4, "budget": 4, "failed": 1}[state]
