"""sample: one model answers several times. Structural: at load it becomes plain nodes and this join of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fusion_graph.contracts import Calls, Kind, WaitGroup
from fusion_graph.kinds._groups import GRACE_S, QUORUM, SAMPLES, SPREAD, TAKES, join, parse_quorum
from fusion_graph.outputs import Gives
from fusion_graph.pipeline import NodeSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How the join waits. `agree` equal answers end the sampling (0: never), tested after every `window` samples."""

    quorum: int | None = None
    grace_s: float = 0.0
    agree: int = 0
    window: int = 0


def parse(options: Mapping[str, Any]) -> Sample:
    agree = (options.get("stop") or {}).get("agree") or 0
    return Sample(
        quorum=parse_quorum(options),
        grace_s=options.get("grace_s") or 0.0,
        agree=agree,
        window=(options.get("window") or agree) if agree else 0,
    )


def check(spec: NodeSpec, _gives: Mapping[str, Gives]) -> Sequence[tuple[str, str, str]]:
    options = spec.options
    stop = options.get("stop")
    if stop is None:
        return [("FG116", "/window", "`window` says when `stop` is tested; without `stop` it has no use")] * (
            "window" in options
        )
    found = []
    if not options.get("extract"):
        found.append(("FG116", "/stop", "`stop` compares answers; say with `extract` where they stand in the text"))
    agree, samples = stop.get("agree") if isinstance(stop, Mapping) else None, options.get("samples")
    if isinstance(agree, int) and isinstance(samples, int) and agree > samples:
        found.append(("FG116", "/stop/agree", f"{agree} samples can never agree where only {samples} are drawn"))
    return found


KIND = Kind(
    name="sample",
    summary="One model answers several times; may stop once enough answers agree.",
    uses_tools=True,
    takes=TAKES,
    gives=lambda _options: "drafts",
    schema={
        "samples": SAMPLES,
        "spread": SPREAD,
        "stop": {
            "type": "object",
            "properties": {"agree": {"type": "integer", "minimum": 2}},
            "required": ["agree"],
            "additionalProperties": False,
            "description": "Stop drawing once this many answers are equal.",
        },
        "window": {
            "type": "integer",
            "minimum": 1,
            "description": "Samples drawn at a time between two tests of `stop`; as many as must agree if absent.",
        },
        "quorum": QUORUM,
        "grace_s": GRACE_S,
    },
    required=("model", "samples"),
    parse=parse,
    calls_model=lambda _options: False,
    wait=lambda options: WaitGroup(
        quorum=options.quorum, grace_s=options.grace_s, agree=options.agree, window=options.window
    ),
    calls=lambda _node, _drafts: Calls(0, 0),
    structural=True,
    fold=join,
    check=check,
)
