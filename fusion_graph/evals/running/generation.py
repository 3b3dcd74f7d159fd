"""One answer: one arm, one task, one run of it. What the report needs of a run is kept, the run itself is not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from fusion_graph.engine.request import RunRequest
from fusion_graph.errors import UsageError
from fusion_graph.evals.arms import Arm
from fusion_graph.evals.protocols.protocol import Ending
from fusion_graph.evals.running.purse import SPENT
from fusion_graph.evals.running.recording import RUN, UNRECORDED
from fusion_graph.evals.task import Task
from fusion_graph.events import CallFailed
from fusion_graph.messages import Message

if TYPE_CHECKING:
    from fusion_graph.engine.fusion import Fusion
    from fusion_graph.engine.report import RunResult

ON_ITS_WAY = frozenset(
    ("connect_error", "auth_failed", "insufficient_credits", "rate_limited", "upstream_5xx", "truncated_stream")
)
"""Reasons that say nothing of the pipeline; so do all time-outs."""


class Text(NamedTuple):
    """A draft of the panel."""

    node: str
    model: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of it. `text` is "" when there is none; `seconds` is the run's own time, `cost_usd` what it costs
    alone, whoever paid its shared calls. `whole`: nothing was refused or missing on our side. `lost`: a call failed on
    its way, so it is worth asking again."""

    text: str
    ending: Ending
    reason: str = ""
    drafts: tuple[Text, ...] = ()
    cost_usd: float | None = 0.0
    calls: int = 0
    tokens: int = 0
    seconds: float = 0.0
    degraded: tuple[str, ...] = ()
    simulated: bool = False
    whole: bool = True
    lost: bool = False


def answer_key(arm: Arm, task: Task, run: int) -> str:
    """Of the stage of answers. No judge, no name, no concurrency in it."""
    shape = repr((arm.key, task.id, task.prompt, run))
    return hashlib.sha256(shape.encode("utf-8", "surrogatepass")).hexdigest()


async def generate(arm: Arm, task: Task, run: int, fusion: Fusion, *, fence: str, simulated: bool = False) -> Answer:
    """Run it once. A further run of simulated models needs a seed, or they would say the same again."""
    RUN.set(run)
    request = RunRequest(messages=(Message("user", task.prompt),), seed=run if simulated and run else None, fence=fence)
    try:
        return _answer(arm, await fusion.run(arm.bound, request))
    except UsageError as error:
        raise UsageError(f"{arm.name}: {error.message}", hint=error.hint) from error


def _answer(arm: Arm, result: RunResult) -> Answer:
    failures = [event.reason for event in result.events if isinstance(event, CallFailed)]
    draft = result.answer
    return Answer(
        text=draft.text if draft else "",
        ending=_ending(arm, result),
        reason=result.error.reason if result.error else "",
        drafts=_panel(arm, result),
        cost_usd=result.cost_usd,
        calls=sum(node.calls for node in result.nodes),
        tokens=result.usage.total_tokens,
        seconds=result.timing_s["total"],
        degraded=tuple(f"{entry.node}: {entry.reason}" for entry in result.degraded),
        simulated=result.simulated,
        whole=not {SPENT, UNRECORDED} & set(failures),
        lost=any(map(_is_lost, _failures(result))),
    )


def _panel(arm: Arm, result: RunResult) -> tuple[Text, ...]:
    """The drafts that the arm had to do with; of a solo there are none."""
    if arm.role == "solo":
        return ()
    panel = {node.id for node in result.nodes if node.role == "panel"}
    return tuple(Text(d.node, d.model, d.text) for d in result.drafts if d.node in panel)


def _ending(arm: Arm, result: RunResult) -> Ending:
    draft, failed = result.answer, _failures(result)
    if draft is None:
        return "transport" if failed and all(map(_is_lost, failed)) else "unfinished"
    if draft.refused:
        return "refused"
    if draft.truncated or not draft.text.strip():
        return "unfinished"
    wrong = any(node.state == "failed" and node.role in ("panel", "synth") for node in result.nodes)
    return "wrong_panel" if wrong and arm.role != "solo" else "answered"


def _failures(result: RunResult) -> list[str]:
    """Reasons of the nodes that failed by themselves."""
    failed = [node.reason for node in result.nodes if node.state == "failed" and node.model]
    return [reason for reason in failed if not reason.startswith("upstream:")]


def _is_lost(reason: str) -> bool:
    return reason in ON_ITS_WAY or reason.startswith("timeout")


def to_plain(answer: Answer) -> dict[str, Any]:
    return asdict(replace(answer, drafts=())) | {"drafts": [list(draft) for draft in answer.drafts]}


def from_plain(kept: Mapping[str, Any]) -> Answer:
    """Raises UsageError for what is none: the store is a file, and files get broken."""
    try:
        drafts = tuple(Text(*draft) for draft in kept["drafts"])
        return Answer(**{**kept, "drafts": drafts, "degraded": tuple(kept["degraded"])})
    except (TypeError, KeyError) as fault:
        raise UsageError("the store holds an answer that is none", hint="begin a new one with --resume") from fault
