"""A run as JSON: nothing missing, nothing that is not JSON, no key."""

from __future__ import annotations

import json
from collections import Counter

from fusion_graph.api import run
from fusion_graph.engine.record import analysis, document, trace_lines
from fusion_graph.outputs import Analysis, Contradiction

PIPELINE = {
    "version": 1,
    "name": "p",
    "nodes": {
        "panel": {"kind": "layer", "models": ["a/x@sim", "b/y@sim", "sim/fault-400@sim"]},
        "verdict": {"kind": "judge", "model": "c/z@sim", "inputs": ["panel"]},
        "answer": {"kind": "synth", "model": "a/x@sim", "inputs": ["panel", "verdict?"]},
        "final": {"kind": "fallback", "inputs": ["answer", "panel"]},
    },
    "output": "final",
}


async def test_the_document_has_everything_of_a_run() -> None:
    result = await run(PIPELINE, "What is 6 times 7?")
    told = json.loads(json.dumps(document(result), allow_nan=False))
    assert (told["pipeline"], told["state"], told["answer"]) == ("p", "degraded", result.text)
    assert told["written_by"] == {"node": "answer", "model": "a/x", "finish_reason": "stop"}
    assert [draft["node"] for draft in told["drafts"]] == ["panel/x", "panel/y", "answer"]
    assert told["analysis"].keys() == {
        *("consensus", "contradictions", "partial_coverage"),
        *("unique_insights", "blind_spots"),
    }
    assert [node["state"] for node in told["nodes"]] == ["ok", "ok", "failed", "ok", "ok", "ok", "ok"]
    assert told["usage"]["total_tokens"] == told["usage"]["prompt_tokens"] + told["usage"]["completion_tokens"]
    assert [(entry["node"], entry["reason"]) for entry in told["degraded"]] == [("panel/fault-400", "bad_request")]
    assert told["timing_s"]["total"] > 0


async def test_costs_stand_by_model_and_role() -> None:
    told = document(await run(PIPELINE, "What is 6 times 7?"))["cost_breakdown"]
    assert Counter((part["role"], part["cost_usd"]) for part in told) == {
        ("panel", 0.0): 3,
        ("judge", 0.0): 1,
        ("synth", 0.0): 1,
    }


async def test_a_failed_run_says_why() -> None:
    broken = {**PIPELINE, "nodes": {"a": {"kind": "proposer", "model": "sim/fault-400@sim"}}, "output": "a"}
    told = document(await run(broken, "hello"))
    assert (told["answer"], told["written_by"], told["state"]) == (None, None, "failed")
    assert told["error"]["reason"] == "bad_request"


async def test_the_trace_is_a_line_per_event() -> None:
    result = await run(PIPELINE, "What is 6 times 7?", stream=True)
    lines = [json.loads(line) for line in trace_lines(result.events)]
    assert len(lines) == len(result.events)
    assert lines[0]["format"] == 1
    assert lines[0]["nodes"][4] == {
        "id": "verdict",
        "kind": "judge",
        "model": "c/z@sim",
        "inputs": ["panel"],
    }
    assert [line["event"] for line in lines].count("CallStarted") == 5
    assert all("event" in line and "at" in line for line in lines)


def test_an_analysis_has_names_for_its_parts() -> None:
    made = analysis(
        Analysis(
            contradictions=(Contradiction("price", (("A", "high"), ("B", "low"))),),
            partial_coverage=((("A", "B"), "risk"),),
            unique_insights=(("A", "insight"),),
        )
    )
    stances = [{"model": "A", "stance": "high"}, {"model": "B", "stance": "low"}]
    assert made["contradictions"] == [{"topic": "price", "stances": stances}]
    assert made["partial_coverage"] == [{"models": ["A", "B"], "point": "risk"}]
    assert made["unique_insights"] == [{"model": "A", "insight": "insight"}]
