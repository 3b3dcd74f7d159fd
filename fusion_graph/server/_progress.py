"""What a run is doing, in a line for each thing a person may want to know while waiting. Listens to events, never to
texts of drafts."""

from __future__ import annotations

from fusion_graph.events import CallFailed, CallStarted, Event, GroupClosed, NodeFinished, NodeSkipped


class Progress:
    """Turns events into lines, "" where there is nothing to say."""

    def __init__(self) -> None:
        self._started: dict[str, float] = {}

    def line(self, event: Event) -> str:
        if isinstance(event, CallStarted):
            first = event.node not in self._started
            self._started.setdefault(event.node, event.at)
            return f"{event.node}: asks {event.model}" if first else ""
        if isinstance(event, CallFailed):
            return f"{event.node}: {event.model} failed ({event.reason})" if event.reason != "cancelled" else ""
        if isinstance(event, GroupClosed):
            return f"{event.node}: {len(event.chosen)} chosen" + (f", {len(event.late)} late" if event.late else "")
        if isinstance(event, NodeFinished) and event.node in self._started:
            return f"{event.node}: {event.state} after {event.at - self._started[event.node]:.1f} s"
        if isinstance(event, NodeSkipped) and event.reason != "not_needed":
            return f"{event.node}: skipped ({event.reason})"
        return ""
