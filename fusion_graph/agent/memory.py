"""A session: the conversation with the model, what it cost, and a file from which it goes on. Every change is one line
of that file, written at once, so that a session that was cut off anywhere can be taken up again.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from fusion_graph.errors import UsageError
from fusion_graph.messages import Message, ToolCall

FORMAT = 1
NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")
STOPPED = "stopped by the user before it was done"


@dataclass(slots=True, kw_only=True)
class Memory:
    """`messages` without the system message, which is made anew. `cost_usd` is None once a price was unknown."""

    name: str
    root: str
    messages: list[Message] = field(default_factory=list)
    tokens: int = 0
    cost_usd: float | None = 0.0
    steps: int = 0
    _file: TextIO | None = None

    def add(self, *messages: Message) -> None:
        self.messages += messages
        for message in messages:
            self._write({"message": _as_json(message)})

    def spend(self, tokens: int, cost_usd: float | None) -> None:
        self.tokens += tokens
        self.cost_usd = None if cost_usd is None or self.cost_usd is None else self.cost_usd + cost_usd
        self._write({"tokens": tokens, "cost_usd": cost_usd})

    def shorten(self, messages: Iterable[Message]) -> None:
        """Put a shorter conversation in the place of this one."""
        self.messages = list(messages)
        self._write({"messages": [_as_json(message) for message in self.messages]})

    def mend(self) -> None:
        """Answer the calls that a stop left without an answer: no model takes a conversation with such a hole."""
        answered = {message.tool_call_id for message in self.messages if message.role == "tool"}
        for message in reversed(self.messages):
            if message.role == "assistant":
                open_calls = [call for call in message.tool_calls if call.id not in answered]
                self.add(*(Message("tool", STOPPED, tool_call_id=call.id) for call in open_calls))
                return

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()


def begin(folder: Path | None, root: str) -> Memory:
    """A new session; without a folder it is kept nowhere."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    memory = Memory(name=name, root=root)
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder / f"{name}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as fault:
            raise UsageError(f"{folder} cannot be written: {fault.strerror}", hint="set FUSION_HOME") from fault
        memory._file = os.fdopen(descriptor, "w", encoding="utf-8")  # noqa: SLF001  (same module)
        memory._write({"format": FORMAT, "root": root})  # noqa: SLF001
    return memory


def resume(folder: Path, name: str, root: str) -> Memory:
    """A session taken up again; `last` is the newest of this root. Raises UsageError."""
    path = folder / f"{_newest(folder, root) if name == 'last' else name}.jsonl"
    if not NAME.fullmatch(path.stem) or not path.is_file():
        raise UsageError(f"there is no session {name}", hint=f"sessions are kept in {folder}; `last` is the newest")
    memory = Memory(name=path.stem, root=root)
    written = path.read_bytes()
    whole = written[: written.rfind(b"\n") + 1]  # a session may have been cut off in the middle of a line
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            _replay(memory, json.loads(line), root)
        except (ValueError, KeyError, TypeError) as fault:
            raise UsageError(f"{path}:{number}: not a line of a session", hint="begin a new one") from fault
    os.truncate(path, len(whole))
    memory._file = path.open("a", encoding="utf-8")  # noqa: SLF001  (same module)
    memory.mend()
    return memory


def _replay(memory: Memory, line: dict[str, Any], root: str) -> None:
    if "format" in line:
        if line["root"] != root:
            raise UsageError(f"that session worked on {line['root']}, not on {root}", hint=f"--root {line['root']}")
    elif "message" in line:
        memory.messages.append(_from_json(line["message"]))
    elif "messages" in line:
        memory.messages = [_from_json(message) for message in line["messages"]]
    else:
        memory.spend(line["tokens"], line["cost_usd"])


def _newest(folder: Path, root: str) -> str:
    head = json.dumps({"format": FORMAT, "root": root})
    for path in sorted(folder.glob("*.jsonl"), reverse=True):
        with path.open(encoding="utf-8") as stream:
            if stream.readline().strip() == head:
                return path.stem
    raise UsageError(f"no session has worked on {root} yet", hint="begin one")


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
