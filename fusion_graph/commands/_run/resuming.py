"""What `run` runs: a pipeline and a prompt that were given, or an earlier run that goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from fusion_graph.errors import UsageError
from fusion_graph.messages import Message

if TYPE_CHECKING:
    from fusion_graph.store.past import Past
    from fusion_graph.tapes.straight import Asked


class Given(NamedTuple):
    """What stood on the command line."""

    pipeline: str | None
    prompt: str | None
    file: str | None
    params: Mapping[str, str]
    seed: int | None


def begun(given: Given) -> Asked:
    """A new run. Raises UsageError or PipelineError."""
    from fusion_graph.commands._prompt import read_prompt
    from fusion_graph.tapes.straight import Asked
    from fusion_graph.wiring import pipelines

    if given.pipeline is None:
        raise UsageError("there is no pipeline", hint="name a file or a preset, or a run with --resume")
    found = pipelines.load(given.pipeline)
    params, prompt = pipelines.read_params(found, given.params), read_prompt(given.prompt, given.file)
    return Asked(found, params, (Message("user", prompt),), given.seed)


def gone_on_with(run: str, given: Given) -> tuple[Asked, Past]:
    """An earlier run, with another pipeline or other parameters if they were given. Raises UsageError or
    PipelineError."""
    from fusion_graph import settings
    from fusion_graph.commands._journal import find_past
    from fusion_graph.tapes.straight import Asked
    from fusion_graph.wiring import pipelines

    if given.prompt is not None or given.file is not None or given.seed is not None:
        raise UsageError("a run that goes on keeps its prompt and its seed", hint="begin a new run for other ones")
    past = find_past(settings.load(), run)
    found = pipelines.load(given.pipeline or json.loads(past.source))
    known = {name: value for name, value in past.params.items() if name in found.params}
    params = {**known, **pipelines.read_params(found, given.params)}
    return Asked(found, params, past.messages, past.seed), past
