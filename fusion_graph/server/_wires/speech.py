"""What a wire is to the rest of the server: it reads a body into `Asked`, and speaks an answer in its own words.
Neither does I/O, so all of it is tested by tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from fusion_graph.engine.report import RunResult
    from fusion_graph.events import Event
    from fusion_graph.messages import Delta, ToolCallDelta
    from fusion_graph.server._errors import Refused
    from fusion_graph.server._wires.asked import Asked


class Head(NamedTuple):
    """What an answer knows before it begins. `model` as the client shall read it, `created` in Unix seconds;
    `prompt_tokens` is an estimate; `final`: usage is that of the writer alone. `roles` says of each node what reports
    call its calls; it is empty where the client does not want to see the fusion or may not. `labels` gives the model
    behind the blind name of a draft."""

    run_id: str
    model: str
    created: int
    request_id: str = ""
    prompt_tokens: int = 0
    final: bool = False
    roles: Mapping[str, str] = MappingProxyType({})
    labels: Mapping[str, str] = MappingProxyType({})


class Speech(Protocol):
    """One answer. A stream is `beat`, `text`, `calls` and `event` in the order of what happens, then `end` or `failed`;
    each gives bytes ready to send, b"" for nothing to say yet."""

    @property
    def watches(self) -> bool:
        """Does `event` say anything?"""

    def beat(self) -> bytes:
        """Proof of life. The first one is sent when nothing was said before the status left."""

    def text(self, piece: str, choice: int = 0) -> bytes: ...

    def calls(self, pieces: Sequence[ToolCallDelta], choice: int = 0) -> bytes: ...

    def event(self, event: Event) -> bytes:
        """Anything else that happens in the run."""

    def hear(self, node: str, delta: Delta, room: bool) -> bytes:
        """A piece of what a node writes that is not the answer; only asked of a speech that `watches`. Without `room`
        the client is behind already."""

    def end(self, result: RunResult, block: dict[str, Any]) -> bytes:
        """The rest, and the end of a stream that went well. Raises Refused when the answer cannot be said."""

    def failed(self, refused: Refused) -> bytes:
        """The end of a stream that did not."""

    def whole(self, result: RunResult, block: dict[str, Any]) -> dict[str, Any]:
        """The answer in one piece. Raises Refused when it cannot be said."""


Speaks: TypeAlias = "Callable[[Head], Speech]"


class Wire(NamedTuple):
    """An API's words. `read` raises Refused with the exact path of the first field that is wrong."""

    name: str
    counts_first: bool  # says how long the prompt was before there is an answer
    insistent: bool  # its clients send again at once, whatever they are told
    read: Callable[[Mapping[str, Any], int], tuple[Asked, Speaks]]  # (body, most choices)
