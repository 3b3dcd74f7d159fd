"""One test of a pipeline, run on a clock of its own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from fusion_graph.graph import reader
from fusion_graph.kinds import KINDS
from fusion_graph.store.clockwork import Clockwork
from fusion_graph.testing.running import Verdict, run_test
from tests.graph.walk import pipeline_of

NODES = """
panel: {kind: layer, models: [a/x, b/y@other, c/z], quorum: 2, grace_s: 8}
answer: {kind: synth, model: w/w, inputs: [panel], retry: {attempts: 3, backoff_s: 10}}
final: {kind: fallback, inputs: [answer, panel]}
"""


def verdict(replies: dict[str, Any], expect: dict[str, Any], nodes: str = NODES, **top: Any) -> Verdict:
    pipeline = pipeline_of(nodes, **top)
    source = json.dumps({"tests": [{"name": "it", "replies": replies, "expect": expect}]})
    (test,) = reader.load_tests(source.encode(), file="t.yaml", pipeline=pipeline, kinds=KINDS)
    with asyncio.Runner(loop_factory=Clockwork) as runner:
        return runner.run(run_test(pipeline, test))


def test_latencies_decide_without_being_waited_for() -> None:
    late = {"panel/x": "X", "panel/y": {"text": "Y", "after_s": 50}, "panel/z": {"text": "Z", "after_s": 59}}
    told = {"nodes": {"panel/z": "cancelled late"}, "degraded": [{"node": "panel/z", "reason": "late"}], "calls": 4}
    assert verdict({**late, "answer": "Done."}, {**told, "answer": "Done.", "state": "degraded"}).differs == ()


def test_retries_and_timeouts_go_through_the_engine() -> None:
    replies = {"answer": [{"fails": "upstream_5xx"}, {"fails": "timeout"}, "Done."]}
    assert verdict(replies, {"answer": "Done.", "state": "ok", "calls": 4, "attempts": 6}).differs == ()


def test_what_differs_is_told() -> None:
    found = verdict(
        {"answer": {"fails": "bad_request"}, "panel/x": "X"}, {"state": "ok", "answer": "Y", "degraded": []}
    )
    assert found.differs == (
        "the run is degraded (answer bad_request), not ok",
        "the answer is 'X', not 'Y'",
        "degraded: answer bad_request",
    )


def test_a_failed_run_is_an_outcome() -> None:
    one = "answer: {kind: proposer, model: a/x}"
    expect = {"state": "failed", "error": "bad_request", "nodes": {"answer": "failed bad_request"}}
    assert verdict({"answer": {"fails": "bad_request"}}, expect, one).differs == ()
    assert verdict({"answer": {"fails": "bad_request"}}, {"answer": "Yes."}, one).differs == ("there is no answer",)


def test_a_run_that_is_refused_is_told() -> None:
    one = "answer: {kind: proposer, model: a/x}"
    (told,) = verdict({}, {"state": "ok"}, one, limits={"max_tokens": 1}).differs
    assert told
