"""OpenRouter's three doors to a fusion (wire contract 2): an alias, a plugin, a tool. Each comes to a pipeline of ours
and a `fusion` block: what came in by a door goes on as if it had been asked for plainly. Decides, and runs nothing.

Precedence: `fusion` block > plugin > tool > preset > pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fusion_graph.contracts import DEPTH_HEADER
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.retuning import keep_tools, retune
from fusion_graph.server._errors import invalid, model_not_found
from fusion_graph.server._pipelines import DEFAULT
from fusion_graph.server._wires.asked import Asked, Convening
from fusion_graph.server._wires.fusion import ALIASES, FLASH

if TYPE_CHECKING:
    from fusion_graph.pipeline import ModelOptions
    from fusion_graph.server._auth import Key
    from fusion_graph.server._pipelines import Served
    from fusion_graph.server._service import Service

FAST = "general-fast"
MAX_DEPTH = 1_000_000
SHARES = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.95}
"""Of a reply's tokens that go into thinking, by effort, as OpenRouter documents it."""


def enter(service: Service, key: Key, asked: Asked, depth: int) -> tuple[Served, Asked, bool]:
    """Where a request leads, and whether it came by the alias and reads the writer's name as its model. Raises
    Refused."""
    name = asked.model.partition(":")[0]
    alias = name in ALIASES and service.shelf.find(asked.model) is None
    deep = depth >= service.options.max_depth
    if asked.convening is not None and deep and not alias:
        asked = replace(asked, convening=None, ignored=(*asked.ignored, f"{asked.convening.door}.fusion"))
    convening = asked.convening
    if alias:
        served = service.find(_preset(service, name, convening), key)
    elif convening is None:
        served = service.find(asked.model, key)
    else:
        served, asked = _around(service, key, asked, convening)
    if deep and not served.solo:
        raise invalid("a fusion within a fusion is not convened here", "model", "fusion_depth_exceeded")
    if convening is not None:
        if not key.traces and not asked.solo:
            asked = replace(asked, ignored=(*asked.ignored, f"{convening.door}.result"))
        asked = replace(asked, block={**_block(convening, both=alias), **asked.block})
    return served, asked, alias


def _preset(service: Service, name: str, convening: Convening | None) -> str:
    """The pipeline behind the alias. A preset is a pipeline, or an alias of one, of that name."""
    if convening is not None and convening.preset:
        if service.shelf.find(convening.preset) is None:
            raise invalid(f"there is no preset {convening.preset!r} here", "plugins.preset", "unknown_preset")
        return convening.preset
    if name == FLASH:
        if service.shelf.find(FAST) is None:
            raise model_not_found(name)
        return FAST
    return DEFAULT


def _around(service: Service, key: Key, asked: Asked, convening: Convening) -> tuple[Served, Asked]:
    """A pipeline is configured; any other model becomes the writer of the default one."""
    found = service.shelf.find(asked.model)
    if found is not None and not found.solo:
        preset = service.find(_preset(service, "", convening), key) if convening.preset else None
        return preset or service.find(asked.model, key), asked
    if found is None and not (service.shelf.slug(asked.model) and service.allows(asked.model)):
        raise model_not_found(asked.model)
    if found is not None:
        service.find(asked.model, key)
    block = {"synthesizer": asked.model, **asked.block}
    return service.find(_preset(service, "", convening), key), replace(asked, block=block)


def _block(convening: Convening, *, both: bool) -> dict[str, Any]:
    """In the words of a panel. Through the alias the judge writes too."""
    block: dict[str, Any] = {"panel": list(convening.panel)} if convening.panel else {}
    if convening.judge:
        block["judge"] = convening.judge
        if both:
            block["synthesizer"] = convening.judge
    return block


def tune(bound: Bound, convening: Convening) -> Bound:
    """What a door says of panel and judge beside their models."""
    both = {"max_tokens": convening.max_tokens, "reasoning_effort": convening.reasoning_effort}
    panel = {**both, "temperature": convening.temperature}
    said: dict[str, dict[str, Any]] = {"panel": panel, "judge": both}
    changes = {role: {k: v for k, v in change.items() if v is not None} for role, change in said.items()}

    def change(role: str, model: ModelOptions) -> dict[str, Any]:
        if role not in changes:
            return {}
        most = convening.max_tokens or model.max_tokens or convening.else_tokens
        change = {"max_tokens": most, **changes[role]}
        if convening.reasoning_tokens is not None and most is not None:
            change["reasoning_effort"] = _effort(convening.reasoning_tokens, most)
        return change

    tuned = retune(bound, change) if changes["panel"] or convening.else_tokens is not None else bound
    return tuned if convening.tools is None else keep_tools(tuned, frozenset(convening.tools))


def _effort(tokens: int, most: int) -> str:
    """The one whose share is nearest: upstreams take no number of tokens to think with, but an effort most of them
    do."""
    return min(SHARES, key=lambda name: abs(SHARES[name] - tokens / most))


def unheard(bound: Bound, convening: Convening) -> list[str]:
    """Tools that were asked for and that no node of the pipeline has: a request enables none."""
    if not convening.tools:
        return []
    have = {name for names in bound.tooled.values() for name in names}
    return [f"{convening.door}.tools.{name[:64]}" for name in convening.tools if name not in have]


def read_depth(headers: Mapping[str, str]) -> int:
    """How many fusions a request has come through."""
    given = headers.get(DEPTH_HEADER)
    if given is None:
        return 0
    if not (given.isascii() and given.isdecimal() and len(given) <= len(str(MAX_DEPTH))):
        raise invalid(f"{DEPTH_HEADER} must be a whole number", DEPTH_HEADER)
    return int(given)


def writer_of(bound: Bound) -> str:
    """The model that writes the answer when all goes well."""
    alone = bound.tool_turn
    models = [n.model.model.slug for n in (alone or bound).nodes if n.model]
    return models[0] if models else bound.pipeline.name
