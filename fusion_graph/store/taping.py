"""Writes a cassette while a run goes on: a doorkeeper that asks the models and notes what comes, and tools that note
what they give. A run that is cut leaves a readable file; a file that cannot be written to leaves the run alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TextIO

from fusion_graph.contracts import Sink, Tool
from fusion_graph.errors import ProviderError, ToolError
from fusion_graph.events import Event, RunStarted
from fusion_graph.jsontext import plain
from fusion_graph.messages import Completion, Delta
from fusion_graph.store.digest import call_digest
from fusion_graph.store.door import Attempt, Caller
from fusion_graph.store.tape_lines import FORMAT, failure_fields
from fusion_graph.toolbox import Toolbox
from fusion_graph.values import by_name


class Taper:
    """Also the run's listener. `fault` says why the cassette is not whole."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._fence = ""
        self._caller = Caller()
        self._known: set[str] = set()
        self._attempts = 0
        self._began = 0.0
        self.fault: OSError | None = None

    def begin(self, head: Mapping[str, Any]) -> None:
        self._fence = head["fence"]
        self._write("head", format=FORMAT, **head)

    def listen(self, event: Event) -> None:
        if type(event) is RunStarted:
            self._began = asyncio.get_running_loop().time()
        self._caller(event)

    async def __call__(self, attempt: Attempt, sink: Sink) -> Completion:
        node = self._caller.node(attempt.call)
        number = self._begin("start", node=node, digest=self._describe(attempt))

        def tee(delta: Delta) -> None:
            if delta.whole:  # not content: there is nothing to play again
                sink(delta)
                return
            self._event("piece", number, text=delta.text, reasoning=delta.reasoning, tool_calls=delta.tool_calls)
            sink(delta)

        try:
            completion = await attempt.ask(tee)
        except asyncio.CancelledError:
            self._event("end", number, reply=None, failure=None)
            raise
        except ProviderError as error:
            self._event("end", number, reply=None, failure=failure_fields(error))
            raise
        self._event("end", number, reply=completion, failure=None)
        return completion

    def toolbox(self, box: Toolbox) -> Toolbox:
        """The same tools, and what they are asked and give is noted."""
        return replace(box, tools={name: replace(tool, run=self._taped(tool)) for name, tool in box.tools.items()})

    def _taped(self, tool: Tool) -> Callable[[Mapping[str, Any], Any], Awaitable[str]]:
        async def use(arguments: Mapping[str, Any], site: Any) -> str:
            number = self._begin("use", tool=tool.name, arguments=arguments)
            ok, text = False, None
            try:
                text = await tool.run(arguments, site)
                ok = True
            except ToolError as fault:
                text = fault.message
                raise
            finally:
                self._event("gave", number, ok=ok, text=text)
            return text

        return use

    def conclude(self, **result: Any) -> None:
        """The run has ended of itself."""
        self._write("result", **result)

    def _describe(self, attempt: Attempt) -> str:
        """The digest of a call; what it is made of is written once."""
        call = attempt.call
        digest = call_digest("", 0, attempt.backend, call, self._fence)
        if digest not in self._known:
            self._known.add(digest)
            self._write("call", digest=digest, backend=attempt.backend, **by_name(call))
        return digest

    def _begin(self, kind: str, **fields: Any) -> int:
        """The number of what begins."""
        number = self._attempts
        self._attempts += 1
        self._event(kind, number, **fields)
        return number

    def _event(self, kind: str, attempt: int, **fields: Any) -> None:
        at = asyncio.get_running_loop().time() - self._began
        self._write(kind, at=round(max(at, 0.0), 6), attempt=attempt, **fields)

    def _write(self, kind: str, **fields: Any) -> None:
        """A line at a time, and each at once on its way to the disk."""
        if self.fault is not None:
            return
        try:
            self._file.write(json.dumps({"is": kind, **plain(fields)}) + "\n")
            self._file.flush()
        except OSError as fault:
            self.fault = fault
