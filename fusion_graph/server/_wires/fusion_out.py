"""A fusion in OpenRouter's words (wire contract 2): its result block, and the events of a Responses stream that tell
how it grows. A fold over the engine's events. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from fusion_graph.engine.record import analysis
from fusion_graph.events import CallFailed, CallRecalled, CallStarted, Event, NodeFinished, ToolAnswered
from fusion_graph.messages import Delta
from fusion_graph.outputs import Analysis, Draft

Told: TypeAlias = tuple[str, dict[str, Any]]
MAX_SAID = 200_000
MAX_SOURCES, MAX_URL, MAX_TITLE = 100, 2000, 300
EMPTY = frozenset({"empty_output", "unusable:blank"})


class Findings:
    """What the panel wrote and the judge found, so far. `roles` says of each node what reports call its calls, `names`
    gives the model behind a blind label."""

    def __init__(self, roles: Mapping[str, str], names: Mapping[str, str]) -> None:
        self._roles = roles
        self._names = names
        self._models: dict[str, str] = {}
        self._responses: dict[str, dict[str, Any]] = {}
        self._failed: dict[str, dict[str, Any]] = {}
        self._status: dict[str, dict[str, int]] = {}  # what the upstream said last of each, where it did
        self._sources: dict[str, str] = {}
        self._said: dict[str, int] = {}  # characters heard of each panelist
        self._told: set[str] = set()  # whose text was told in pieces
        self._cut: set[str] = set()  # whose pieces are told no more
        self._analysis: dict[str, Any] | None = None
        self._reason: str | None = None

    def tell(self, event: Event) -> Iterator[Told]:
        """Take an event in, and give what it is in a stream: names behind the prefix, and their fields."""
        if not isinstance(event, CallStarted | CallRecalled | CallFailed | ToolAnswered | NodeFinished):
            return
        role = self._roles.get(event.node)
        if role not in ("panel", "judge"):
            return
        if isinstance(event, ToolAnswered):
            self._read(event)
        elif isinstance(event, CallFailed):
            self._status[event.node] = {} if event.status is None else {"status_code": event.status}
        elif isinstance(event, CallStarted | CallRecalled):
            if event.node not in self._models:
                yield self._begin(event, role)
            elif event.node in self._said:
                self._cut.add(event.node)  # what it said before may be told no more
        elif event.node in self._models:
            yield from self._draft(event) if role == "panel" else self._verdict(event)

    def _read(self, event: ToolAnswered) -> None:
        """A page is one source, however often it was found."""
        for url, title in event.sources:
            if len(self._sources) < MAX_SOURCES and url.startswith(("http://", "https://")):
                self._sources.setdefault(url[:MAX_URL], title[:MAX_TITLE])

    def hear(self, node: str, delta: Delta, *, room: bool) -> Iterator[Told]:
        """A piece of what a panelist writes. One that begins anew, or that writes more than there is room for, is told
        as a whole when it is through."""
        model = self._models.get(node)
        if model is None or node in self._cut or self._roles.get(node) != "panel":
            return
        said = self._said[node] = self._said.get(node, 0) + len(delta.text) + len(delta.reasoning)
        if said > MAX_SAID or not room:
            self._cut.add(node)
            return
        if delta.reasoning:
            yield "panel.reasoning.delta", {"model": model, "delta": delta.reasoning}
        if delta.text:
            self._told.add(node)
            yield "panel.delta", {"model": model, "delta": delta.text}

    def _begin(self, event: CallStarted | CallRecalled, role: str) -> Told:
        model = self._models[event.node] = event.model.rpartition("@")[0] or event.model
        if role == "panel":
            return "panel.added", {"model": model}
        return "analysis.in_progress", {"analyst_model": model, "judge_model": model}

    def _draft(self, event: NodeFinished) -> Iterator[Told]:
        model, value = self._models[event.node], event.value
        if isinstance(value, Draft):
            self._responses[event.node] = {"model": model, "content": value.text}
            if event.node not in self._told:
                yield "panel.delta", {"model": model, "delta": value.text}
            yield "panel.completed", {"model": model, "content": value.text}
        else:
            failed = {"model": model, "error": event.reason, **self._status.get(event.node, {})}
            self._failed[event.node] = failed
            yield "panel.failed", failed

    def _verdict(self, event: NodeFinished) -> Iterator[Told]:
        if isinstance(event.value, Analysis):
            self._analysis = named(analysis(event.value), self._names)
            yield "analysis.completed", {"analysis": self._analysis}
        elif event.value is None:
            self._reason = judge_reason(event.reason, event.detail)

    @property
    def empty(self) -> bool:
        """Nobody was asked."""
        return not self._models

    def result(self) -> dict[str, Any]:
        """What is known of it, without id and status."""
        found: dict[str, Any] = {} if self._analysis is None else {"analysis": self._analysis}
        return {
            **found,
            "responses": list(self._responses.values()),
            "sources": [{"url": url, "title": title} for url, title in self._sources.items()],
            "failed_models": list(self._failed.values()),
            "error": None if self._responses else "no model of the panel gave a usable answer",
            "failure_reason": self._reason if self._responses else failure_reason(self._failed.values()),
        }


def failure_reason(failed: Any) -> str:
    """Of a panel without a usable draft."""
    reasons = {entry["error"] for entry in failed}
    if "insufficient_credits" in reasons:
        return "insufficient_credits"
    if "rate_limited" in reasons:
        return "rate_limited"
    return "invalid_model" if reasons == {"invalid_model"} else "all_panels_failed"


def judge_reason(reason: str, detail: str) -> str:
    """In the spelling that OpenRouter gives now; it once said `analyst_`. A judge that abstained says why first."""
    if reason == "abstained":
        reason = detail.partition(":")[0]
    if reason in EMPTY:
        return "judge_empty_completion"
    return reason if reason.startswith("judge_") else "judge_upstream_error"


def named(found: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """An analysis with models in place of labels."""

    def name(label: str) -> str:
        return names.get(label, label)

    return {
        **found,
        "contradictions": [
            {**c, "stances": [_renamed(stance, name) for stance in c["stances"]]} for c in found["contradictions"]
        ],
        "partial_coverage": [{**p, "models": [name(m) for m in p["models"]]} for p in found["partial_coverage"]],
        "unique_insights": [_renamed(insight, name) for insight in found["unique_insights"]],
    }


def _renamed(entry: Mapping[str, Any], name: Callable[[str], str]) -> dict[str, Any]:
    return {**entry, "model": name(entry["model"])}
