"""One try of a run as rows: each event that matters becomes a statement. Touches no file; see `database`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fusion_graph.events import (
    CallFailed,
    CallFinished,
    CallStarted,
    Degraded,
    Event,
    FirstToken,
    GroupClosed,
    NodeFinished,
    NodeSkipped,
    NodeStarted,
    RunFinished,
)
from fusion_graph.messages import NO_USAGE, Usage
from fusion_graph.store.replies import write_completion

END = "UPDATE runs SET state = ?, reason = ?, ended = ? WHERE id = ?"
SEND = (
    "INSERT OR REPLACE INTO attempts (run, try, node, call, attempt, model, digest, state, began, reserved_usd)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, 'started', ?, ?)"
)
RECEIVE = (
    "UPDATE attempts SET state = ?, reason = ?, message = ?, first = ?, ended = ?, next_s = ?, prompt_tokens = ?,"
    " completion_tokens = ?, reasoning_tokens = ?, cached_tokens = ?, cost_usd = ?, exact = ?, reply = ?"
    " WHERE run = ? AND try = ? AND node = ? AND call = ? AND attempt = ?"
)
SETTLE = (
    "INSERT INTO node_runs (run, node, identity, state, reason, detail, began, ended, chosen, late)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO "
)
AFRESH = SETTLE + (
    "UPDATE SET identity = excluded.identity, state = excluded.state, reason = excluded.reason,"
    " detail = excluded.detail, began = excluded.began, ended = excluded.ended, chosen = excluded.chosen,"
    " late = excluded.late"
)
AS_BEFORE = SETTLE + "NOTHING"  # nothing new: what stands there tells when it really happened
NOTE = "INSERT INTO notes VALUES (?, ?, ?, ?, ?, ?, ?)"
SHARED = "shared"
"""The note on a reply that another run of the same series has bought, and the reason of its attempt: it cost this one
nothing."""

Put = Callable[[str, Sequence[Any]], None]


class Recorder:
    """`put` takes statements, `place` texts that lie under their digest; `at` turns a time of this try into one since
    the run began."""

    def __init__(
        self,
        run: str,
        number: int,
        *,
        put: Put,
        place: Callable[[str], str],
        digest: Callable[[CallStarted], str],
        identities: Mapping[str, str],
        offset: float,
    ) -> None:
        self._run = run
        self._try = number
        self._put = put
        self._place = place
        self._digest = digest
        self._identities = identities
        self._offset = offset
        self._began: dict[str, float] = {}
        self._first: dict[tuple[str, int], float] = {}
        self._closed: dict[str, tuple[str, str]] = {}
        self._tellers: Mapping[type, Callable[[Any], None]] = {
            NodeStarted: self._node_started,
            CallStarted: self._call_started,
            FirstToken: self._first_token,
            CallFinished: self._call_finished,
            CallFailed: self._call_failed,
            GroupClosed: self._group_closed,
            NodeFinished: self._node_finished,
            NodeSkipped: self._node_skipped,
            Degraded: self._degraded,
        }

    def tell(self, event: Event) -> None:
        teller = self._tellers.get(type(event))
        if teller is not None:
            teller(event)

    def end(self, event: RunFinished, now: float) -> None:
        self._put(END, (event.state, event.reason, now, self._run))

    # --- attempts -----------------------------------------------------------------------------------------------------

    def _call_started(self, event: CallStarted) -> None:
        key = (self._run, self._try, event.node, event.call, event.attempt)
        self._put(SEND, (*key, event.model, self._digest(event), event.at + self._offset, event.reserved_usd))

    def _first_token(self, event: FirstToken) -> None:
        self._first[event.node, event.call] = event.at + self._offset

    def _call_finished(self, event: CallFinished) -> None:
        reply = self._place(write_completion(event.completion))
        if SHARED in event.completion.notes:
            event = event._replace(usage=NO_USAGE, cost_usd=0.0)
            self._receive(event, ("ok", SHARED, ""), None, event.usage, event.exact, reply)
        else:
            self._receive(event, ("ok", "", ""), None, event.usage, event.exact, reply)

    def _call_failed(self, event: CallFailed) -> None:
        state = "cancelled" if event.reason == "cancelled" else "failed"
        told = (state, event.reason, event.message)
        self._receive(event, told, event.next_s, event.usage, not event.usage.estimated, None)

    def _receive(
        self,
        event: CallFinished | CallFailed,
        told: tuple[str, str, str],
        next_s: float | None,
        usage: Usage,
        exact: bool,
        reply: str | None,
    ) -> None:
        first = self._first.pop((event.node, event.call), None)
        tokens = (usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens, usage.cached_tokens)
        key = (self._run, self._try, event.node, event.call, event.attempt)
        ended = event.at + self._offset
        self._put(RECEIVE, (*told, first, ended, next_s, *tokens, event.cost_usd, exact, reply, *key))

    # --- nodes --------------------------------------------------------------------------------------------------------

    def _node_started(self, event: NodeStarted) -> None:
        self._began[event.node] = event.at + self._offset

    def _group_closed(self, event: GroupClosed) -> None:
        self._closed[event.node] = (json.dumps(event.chosen), json.dumps(event.late))

    def _node_finished(self, event: NodeFinished) -> None:
        sql = AS_BEFORE if event.state == "replayed" else AFRESH
        self._settle(sql, event.node, event.at, event.state, event.reason, event.detail)

    def _node_skipped(self, event: NodeSkipped) -> None:
        sql = AS_BEFORE if event.reason == "not_needed" else AFRESH
        self._settle(sql, event.node, event.at, "skipped", event.reason, "")

    def _settle(self, sql: str, node: str, at: float, *told: str) -> None:
        chosen, late = self._closed.get(node, (None, None))
        times = (self._began.get(node), at + self._offset)
        self._put(sql, (self._run, node, self._identities.get(node, ""), *told, *times, chosen, late))

    def _degraded(self, event: Degraded) -> None:
        what = (event.node, event.reason, event.text, event.action)
        self._put(NOTE, (self._run, self._try, event.at + self._offset, *what))
