"""One answer: one arm, one task, one run of it. What the report needs of a run is kept, the run itself is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from fusion_graph.engine.record import document
from fusion_graph.engine.request import RunRequest
from fusion_graph.errors import UsageError
from fusion_graph.evals.arms import Arm
from fusion_graph.evals.protocols.protocol import Ending
from fusion_graph.evals.running.purse import SPENT
from fusion_graph.evals.running.recording import EAR, UNRECORDED, Ear
from fusion_graph.evals.running.records import KEPT, Records
from fusion_graph.evals.task import Task
from fusion_graph.events import CallFailed
from fusion_graph.messages import Message
from fusion_graph.store.journal import Job

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


def answer_id(records: Records, arm: Arm, task: Task, run: int) -> str:
    """Of the run that answers a task. No judge and no concurrency in it."""
    return records.series.run_id("answer", arm.name, arm.key, task.id, task.prompt, run)


async def generate(
    arm: Arm, task: Task, run: int, fusion: Fusion, records: Records, *, simulated: bool = False, live: bool = True
) -> Answer:
    """Run it once. A further run of simulated models needs a seed, or they would say the same again. `live`: it is
    written down."""
    series, asked = records.series, (Message("user", task.prompt),)
    seed = run if simulated and run else None
    run_id, backend = answer_id(records, arm, task, run), fusion.services.lanes[""].backend.name
    part = f"{task.id} #{run + 1}"
    job = Job(run_id, arm.bound, asked, series.fence, backend, seed, command=series.command, part=part)
    ear = Ear(records, job)
    EAR.set(ear)
    memory = records.memory(job, shares=True) if live else None
    request = RunRequest(messages=asked, seed=seed, run_id=job.id, fence=series.fence, memory=memory)
    try:
        result = await fusion.run(arm.bound, request, ear)
    except UsageError as error:
        raise UsageError(f"{arm.name}: {error.message}", hint=error.hint) from error
    answer = _answer(arm, result)
    if memory is not None:
        kept = {KEPT: to_plain(answer)} if answer.whole and not answer.lost else {}
        records.conclude(job.id, document(result) | kept, memory)
    return answer


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
    """What a run's document does not say by itself."""
    return asdict(replace(answer, text="", drafts=())) | {"drafts": [draft.node for draft in answer.drafts]}


def from_document(told: Mapping[str, Any]) -> Answer | None:
    """The answer that a run was concluded with, None if it is to be made again. Raises UsageError for what is none: the
    journal is a file, and files get broken."""
    try:
        kept = told.get(KEPT)
        if kept is None:
            return None
        texts = {draft["node"]: Text(draft["node"], draft["model"], draft["text"]) for draft in told["drafts"]}
        drafts = tuple(texts[node] for node in kept["drafts"])
        text = told["answer"] or ""
        return Answer(**{**kept, "text": text, "drafts": drafts, "degraded": tuple(kept["degraded"])})
    except (TypeError, KeyError) as fault:
        raise UsageError("the journal holds an answer that is none", hint="begin a new eval") from fault
