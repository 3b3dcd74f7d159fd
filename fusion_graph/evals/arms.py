"""Arms: what is compared with what. An arm is a bound pipeline under a name; arms of one pipeline ask the same where
they share nodes, so a panelist alone is the very draft that the panel used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from fusion_graph.graph.bound import Bound
from fusion_graph.pipeline import Node, Pipeline

Bind: TypeAlias = Callable[[Pipeline, Mapping[str, Any]], Bound]
"""The graph for these parameter values, with the models that are really called."""
Role = Literal["solo", "shape", "baseline"]
MOST_SAMPLES = 32  # of a baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One row of the table. `key` names everything that shapes its answers."""

    name: str
    bound: Bound = field(repr=False)
    role: Role = "shape"
    key: str = field(init=False)

    def __post_init__(self) -> None:
        bound = self.bound
        output = bound.nodes[bound.output].id
        shape = [bound.pipeline.digest, output, dict(bound.params), [str(ref) for ref in bound.models]]
        text = json.dumps(shape, sort_keys=True, default=str)
        object.__setattr__(self, "key", hashlib.sha256(text.encode()).hexdigest())


def solos(pipeline: Pipeline, params: Mapping[str, Any], bind: Bind) -> list[Arm]:
    """Each panelist alone, as it stands in the panel: the first of the nodes that ask the same model the same way and
    read no drafts."""
    bound = bind(pipeline, params)
    found: dict[tuple[object, ...], Node] = {}
    for index in bound.drafters:
        node = bound.nodes[index]
        if bound.kinds[index].role == "panel" and not node.inputs and node.model:
            found.setdefault(_alike(node), node)
    return [_solo(pipeline, params, bind, node) for node in found.values()]


def _alike(node: Node) -> tuple[object, ...]:
    """Samples of one member differ by chance alone; members of one model differ by what they are told."""
    model, draw = node.model, node.member.draw if node.member else (0, 0)
    assert model is not None
    return (str(model.model), model.system, model.prompt, model.temperature, draw[0])


def _solo(pipeline: Pipeline, params: Mapping[str, Any], bind: Bind, node: Node) -> Arm:
    assert node.model is not None
    return Arm(name=f"{node.model.model} (solo)", bound=bind(replace(pipeline, output=node.id), params), role="solo")


def ab(pipeline: Pipeline, params: Mapping[str, Any], bind: Bind) -> list[Arm]:
    """Solo of each panelist, the panel, and the panel with refine where the pipeline has that switch."""
    alone = solos(pipeline, params, bind)
    if "refine" in pipeline.params:
        shapes = [
            Arm(name="panel", bound=bind(pipeline, {**params, "refine": False})),
            Arm(name="panel+refine", bound=bind(pipeline, {**params, "refine": True})),
        ]
    else:
        shapes = [Arm(name=pipeline.name, bound=bind(pipeline, params))]
    return named_apart([*alone, *shapes])


def named_apart(arms: Iterable[Arm]) -> list[Arm]:
    """The same arms; a name that comes again gets a number."""
    made: list[Arm] = []
    for arm in arms:
        same = sum(other.name == arm.name or other.name.startswith(f"{arm.name} #") for other in made)
        made.append(replace(arm, name=f"{arm.name} #{same + 1}") if same else arm)
    return made


# --- baselines of the same cost -------------------------------------------------------------------------------------


def baseline(solo: Arm, samples: int, load: Callable[[Mapping[str, Any]], Pipeline], bind: Bind, *, exact: bool) -> Arm:
    """The solo's model so many times: counted where there is one right answer, else written together by itself."""
    node = solo.bound.nodes[solo.bound.output]
    assert node.model is not None
    model, samples = str(node.model.model), max(2, min(samples, MOST_SAMPLES))
    options: dict[str, Any] = {
        name: value
        for name in ("temperature", "max_tokens", "system", "prompt")
        if (value := getattr(node.model, name)) is not None
    }
    votes = {"kind": "sample", "model": model, "samples": samples, **options}
    if exact:
        votes["extract"] = {"regex": r"(?i)answer:\s*(.+)"}
        second: dict[str, Any] = {"kind": "judge", "mode": "vote", "inputs": ["tries"]}
    else:
        second = {"kind": "synth", "model": model, "inputs": ["tries"]}
    document = {
        "version": 1,
        "name": "baseline",
        "nodes": {"tries": votes, "one": second, "final": {"kind": "fallback", "inputs": ["one", "tries"]}},
        "output": "final",
    }
    name = f"{model} x{samples} ({'vote' if exact else 'self-fusion'})"
    return Arm(name=name, bound=bind(load(document), {}), role="baseline")


def samples_for(budget_usd: float, solo_usd: float, *, exact: bool) -> int:
    """How many samples cost as much. Writing them together takes about one more."""
    if solo_usd <= 0:
        return 2
    return max(2, round(budget_usd / solo_usd) - (0 if exact else 1))


def models_of(arms: Sequence[Arm]) -> dict[str, tuple[str, ...]]:
    """Every model of the arms, with the names of the arms that call it."""
    found: dict[str, list[str]] = {}
    for arm in arms:
        for ref in called(arm):
            found.setdefault(ref, []).append(arm.name)
    return {model: tuple(names) for model, names in found.items()}


def called(arm: Arm) -> tuple[str, ...]:
    """The models that the arm may call: those of the nodes that its output can ask for."""
    bound, wanted, reached = arm.bound, [arm.bound.nodes[arm.bound.output].id], set()
    while wanted:
        one = wanted.pop()
        if one not in reached:
            reached.add(one)
            wanted += [edge.node for edge in bound.by_id[one].inputs]
    nodes = [node for node in bound.nodes if node.id in reached and node.model]
    return tuple(dict.fromkeys(str(ref) for node in nodes if node.model for ref in node.model.models))
