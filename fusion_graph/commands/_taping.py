"""`--record` and `--replay`: where the prompt comes from then, on which loop the run runs, and who stands in the door."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fusion_graph.commands._prompt import read_prompt
from fusion_graph.errors import UsageError

if TYPE_CHECKING:
    from fusion_graph.store.clockwork import Clockwork


def check_tapes(record: str | None, replay: str | None) -> None:
    """Refuse both at once."""
    if record is not None and replay is not None:
        raise UsageError("--record and --replay exclude each other", hint="give one of them")


def read_asked(prompt: str | None, file: str | None, replay: str | None) -> str | None:
    """The prompt; None = the recorded one, so a replay waits for no standard input."""
    return None if replay and prompt is None and file is None else read_prompt(prompt, file)


def loop_of(replay: str | None) -> Callable[[], Clockwork] | None:
    """A replay's own time passes at once."""
    if replay is None:
        return None
    from fusion_graph.store.clockwork import Clockwork

    return Clockwork
