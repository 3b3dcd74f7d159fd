"""What `run` runs: a pipeline and a prompt that were given, or an earlier run that goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from fusion_graph.errors import UsageError
from fusion_graph.messages import Message

if TYPE_CHECKING:
    from fusion_graph.pipeline import Pipeline
    from fusion_graph.store.past import Past


class Given(NamedTuple):
    """What stood on the command line."""

    pipeline: str | None
    prompt: str | None
    file: str | None
    params: Mapping[str, str]
    seed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be run."""

    pipeline: Pipeline
    params: Mapping[str, Any]
    messages: tuple[Message, ...]
    seed: int | None
    budget_usd: float | None = None
    deadline_s: float | None = None
    past: Past | None = None


def begun(given: Given) -> Wanted:
    """A new run. Raises UsageError or PipelineError."""
    from fusion_graph.commands._prompt import read_prompt
    from fusion_graph.wiring import pipelines

    if given.pipeline is None:
        raise UsageError("there is no pipeline", hint="name a file or a preset, or a run with --resume")
    found = pipelines.load(given.pipeline)
    return Wanted(
        pipeline=found,
        params=pipelines.read_params(found, given.params),
        messages=(Message("user", read_prompt(given.prompt, given.file)),),
        seed=given.seed,
    )


def gone_on_with(run: str, given: Given) -> Wanted:
    """An earlier run, with another pipeline or other parameters if they were given. Raises UsageError or
    PipelineError."""
    from fusion_graph import settings
    from fusion_graph.commands._journal import find_past
    from fusion_graph.wiring import pipelines

    if given.prompt is not None or given.file is not None or given.seed is not None:
        raise UsageError("a run that goes on keeps its prompt and its seed", hint="begin a new run for other ones")
    past = find_past(settings.load(), run)
    found = pipelines.load(given.pipeline or json.loads(past.source))
    known = {name: value for name, value in past.params.items() if name in found.params}
    return Wanted(
        pipeline=found,
        params={**known, **pipelines.read_params(found, given.params)},
        messages=past.messages,
        seed=past.seed,
        past=past,
    )
