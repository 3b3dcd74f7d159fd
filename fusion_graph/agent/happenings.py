"""Everything an agent does, as values in order. The screen, the JSON lines and the session's file are made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

End: TypeAlias = Literal["finished", "answered", "steps", "budget", "failed"]


class Began(NamedTuple):
    """A task was given."""

    session: str
    task: str


class Planned(NamedTuple):
    """The plan that is acted on; `by` says whether the user changed it."""

    text: str
    by: Literal["model", "user"] = "model"


class Thought(NamedTuple):
    """What the model says beside its calls, or as its answer."""

    step: int
    text: str


class Used(NamedTuple):
    """A tool is called; `call` is the call's id. Calls that change nothing may be under way at once."""

    step: int
    tool: str
    arguments: str
    call: str = ""


class Changing(NamedTuple):
    """What the call will do, before it is asked about or done: a diff, a command, or its arguments."""

    step: int
    tool: str
    text: str


class Gave(NamedTuple):
    """What the model is told of it. `ok` is false for a fault, and for a call the user refused."""

    step: int
    tool: str
    ok: bool
    text: str
    seconds: float
    call: str = ""


class Stepped(NamedTuple):
    """A step is over: tokens and dollars of the whole session so far; None when a price is unknown."""

    step: int
    tokens: int
    cost_usd: float | None


class Shortened(NamedTuple):
    """The conversation was made to fit: tokens before and after, by estimate."""

    step: int
    before: int
    after: int


class PutOff(NamedTuple):
    """What was cut off is not gone on with. What it took, at most, counts from now on."""

    tokens: int
    cost_usd: float | None


class Kept(NamedTuple):
    """The folder's state was kept under a shadow ref."""

    commit: str


class Ended(NamedTuple):
    """How a task ended, and what there is to say."""

    state: End
    text: str


Happening: TypeAlias = Began | Planned | Thought | Used | Changing | Gave | Stepped | Shortened | PutOff | Kept | Ended
Tell: TypeAlias = Callable[[Happening], None]


def as_json(event: Happening) -> dict[str, Any]:
    """One JSON object, its name under `event`."""
    return {"event": type(event).__name__, **event._asdict()}
