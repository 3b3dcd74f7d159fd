"""A session: the conversation with the model, and what it cost. It is a series of runs in the journal; every change of
it is one line there, so that a session that was cut off anywhere is taken up again in the middle of its step.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from fusion_graph.agent.happenings import PutOff
from fusion_graph.engine.tooluse import UNSURE
from fusion_graph.errors import UsageError
from fusion_graph.messages import Message, ToolCall, total_cost
from fusion_graph.store.database import whole
from fusion_graph.store.journal import Journal
from fusion_graph.store.series import Series, take_up

COMMAND = "code"
STOPPED = "stopped by the user before it was done"
PUT_OFF = "not done: the user has something else to say first"


@dataclass(slots=True, kw_only=True)
class Memory:
    """`messages` without the system message, which is made anew. `cost_usd` is None once a price was unknown; `replies`
    counts those of the model: each is a step. `native`: it takes tools as such; `planning`: the plan is not acted on
    yet. `unsure` are calls that an earlier process began and did not end; `ended`: the last task has."""

    series: Series
    messages: list[Message] = field(default_factory=list)
    tokens: int = 0
    cost_usd: float | None = 0.0
    replies: int = 0
    native: bool = True
    planning: bool = False
    ended: bool = True
    unsure: set[str] = field(default_factory=set)
    stopped: dict[str, tuple[int, float | None]] = field(default_factory=dict)  # what runs that were cut off here took
    _paid: set[str] = field(default_factory=set)
    _read: int = 0  # lines

    @property
    def name(self) -> str:
        return self.series.id

    # --- what changes it ----------------------------------------------------------------------------------------------

    def add(self, *messages: Message) -> None:
        for message in messages:
            self._write({"message": _as_json(message)})

    def reply(self, message: Message, tokens: int, cost_usd: float | None) -> None:
        """What the model said, and what it took: one line, as the one is not there without the other."""
        self._write({"message": _as_json(message), "tokens": tokens, "cost_usd": cost_usd})

    def spend(self, tokens: int, cost_usd: float | None, run: str = "") -> None:
        """Each `run` counts once, however often it goes on."""
        if not run or run not in self._paid:
            self._write({"tokens": tokens, "cost_usd": cost_usd, "run": run})

    def give_up(self) -> PutOff | None:
        """Nothing comes of what was cut off: something else is done now. It was paid for all the same."""
        found = {**self.series.spent(), **self.stopped}
        lost = {run: took for run, took in found.items() if run not in self._paid and took != (0, 0.0)}
        for run, took in lost.items():
            self.spend(*took, run)
        tokens, costs = [took[0] for took in lost.values()], [took[1] for took in lost.values()]
        return PutOff(sum(tokens), total_cost(costs)) if lost else None

    def shorten(self, messages: Iterable[Message]) -> None:
        """Put a shorter conversation in the place of this one."""
        self._write({"messages": [_as_json(message) for message in messages]})

    def note(self, **what: bool) -> None:
        """`native`, `planning` or `ended` is so from now on."""
        self._write(what)

    async def act(self, call: ToolCall) -> None:
        """A call that changes something is about to be made."""
        self._write({"acting": call.id})
        self.unsure.discard(call.id)  # this process will know
        await self.series.flush()

    def mend(self, why: str = STOPPED) -> None:
        """Answer the calls that have no answer: no model takes a conversation with such a hole."""
        for call in self.open_calls:
            self.add(Message("tool", UNSURE if call.id in self.unsure else why, tool_call_id=call.id))

    # --- what it knows ------------------------------------------------------------------------------------------------

    @property
    def open_calls(self) -> list[ToolCall]:
        """What the model asked for last and was not told yet."""
        answered = set[str]()
        for message in reversed(self.messages):
            if message.role == "assistant":
                return [call for call in message.tool_calls if call.id not in answered]
            answered.add(message.tool_call_id)
        return []

    @property
    def step_id(self) -> str:
        """Of the run in which the model thinks next: the same when this goes on after a kill, as nothing was written
        meanwhile."""
        return self._step(self.series.length)

    def _step(self, line: int) -> str:
        """The run of the step that ends in this line, which says what it took."""
        return self.series.run_id("step", line)

    def council_id(self, question: str, times: int) -> str:
        """Of the run that answers this question, asked so many times before in this step."""
        return self.series.run_id("council", self.replies, question, times)

    # --- lines --------------------------------------------------------------------------------------------------------

    def _write(self, line: dict[str, Any]) -> None:
        self.read(line)
        self.series.write(line)

    def read(self, line: dict[str, Any]) -> None:
        """Take in the next line. Raises KeyError, TypeError or ValueError for what is none."""
        if "message" in line:
            message = _from_json(line["message"])
            self.messages.append(message)
            if message.role == "assistant":
                self.replies += 1
                self.unsure.clear()
        if "messages" in line:
            self.messages = [_from_json(message) for message in line["messages"]]
        if "tokens" in line:
            cost = line["cost_usd"]
            self.tokens += line["tokens"]
            self.cost_usd = None if cost is None or self.cost_usd is None else self.cost_usd + cost
            self._paid |= {line.get("run", ""), self._step(self._read)}
        if "acting" in line:
            self.unsure.add(line["acting"])
        self.native = line.get("native", self.native)
        self.planning = line.get("planning", self.planning)
        self.ended = line.get("ended", False)
        self._read += 1


def begin(journal: Journal, root: str) -> Memory:
    """A new session. It stands in the journal once it has a task."""
    return Memory(series=Series(journal=journal, command=COMMAND, place=root))


def resume(journal: Journal, name: str, root: str) -> Memory:
    """A session taken up again; `last` is the newest of this root. Raises UsageError."""
    series = take_up(journal, COMMAND, name, root)
    if series.place != whole(root):
        raise UsageError(f"that session worked on {series.place}, not on {root}", hint=f"--root {series.place}")
    memory = Memory(series=series)
    for number, line in enumerate(series.lines, start=1):
        try:
            memory.read(line)
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise UsageError(f"line {number} of session {series.id} is none", hint="begin a new one") from fault
    return memory


def _as_json(message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.tool_calls:
        made["tool_calls"] = [[call.id, call.name, call.arguments] for call in message.tool_calls]
    if message.tool_call_id:
        made["tool_call_id"] = message.tool_call_id
    return made


def _from_json(made: dict[str, Any]) -> Message:
    calls = tuple(ToolCall(id=str(i), name=str(n), arguments=str(a)) for i, n, a in made.get("tool_calls", ()))
    return Message(made["role"], str(made["content"]), calls, str(made.get("tool_call_id", "")))
