"""`--record` and `--replay`: what goes with them, what a replay runs, and on which loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fusion_graph.errors import UsageError

if TYPE_CHECKING:
    from fusion_graph.commands._run.resuming import Given
    from fusion_graph.store.cassette import Cassette
    from fusion_graph.store.clockwork import Clockwork
    from fusion_graph.store.past import Past
    from fusion_graph.tapes.straight import Asked


def check(record: str | None, replay: str | None, *, resume: bool = False, cache: bool = False) -> Cassette | None:
    """The cassette to replay. Raises UsageError for what cannot go together or cannot be read."""
    taping = "--record" if record is not None else "--replay"
    for other, given in (("--replay", record and replay), ("--resume", resume), ("--cache", cache)):
        if given and (record is not None or replay is not None):
            raise UsageError(f"{taping} and {other} exclude each other", hint="give one of them")
    if replay is None:
        return None
    from fusion_graph.tapes.replaying import read_tape

    return read_tape(replay)


def asked(given: Given, cassette: Cassette | None, resume: str | None = None) -> tuple[Asked, Past | None]:
    """A recorded run, an earlier one that goes on, or a new one."""
    from fusion_graph.commands._run import resuming

    if cassette is not None:
        return played(given, cassette), None
    return (resuming.begun(given), None) if resume is None else resuming.gone_on_with(resume, given)


def played(given: Given, cassette: Cassette) -> Asked:
    """The recorded run, with whatever was given in its place. Standard input is only read for `-`."""
    from fusion_graph.commands._prompt import read_prompt
    from fusion_graph.messages import Message
    from fusion_graph.tapes.replaying import recorded
    from fusion_graph.wiring import pipelines

    found = recorded(cassette, pipelines.load(given.pipeline) if given.pipeline is not None else None)
    found = found._replace(params={**found.params, **pipelines.read_params(found.pipeline, given.params)})
    if given.prompt is not None or given.file is not None:
        found = found._replace(messages=(Message("user", read_prompt(given.prompt, given.file)),))
    return found if given.seed is None else found._replace(seed=given.seed)


def loop_of(cassette: Cassette | None) -> Callable[[], Clockwork] | None:
    """A replay's own time passes at once."""
    if cassette is None:
        return None
    from fusion_graph.store.clockwork import Clockwork

    return Clockwork
