"""What a figure must not be read without."""

from __future__ import annotations

import json
from dataclasses import replace

from fusion_graph.evals.hygiene.selftest import count
from fusion_graph.evals.protocols import PROTOCOLS
from fusion_graph.evals.protocols.protocol import Coverage
from fusion_graph.evals.report.document import document
from fusion_graph.evals.running.judging import Judging
from tests.evals.report.rows import LEAKY, ROWS, report

JUDGING = Judging(protocol=PROTOCOLS["paper"], model="j/j", passes=5, temperature=0.2, effort="low")


def test_terms_name_protocol_judge_data_and_prices() -> None:
    terms = dict(report(judging=JUDGING, protocol=PROTOCOLS["paper"], selftest=count(["MET"] * 24)).terms)
    assert terms["protocol"].startswith("paper")
    assert "j/j, 5 passes, prompt" in terms["judge"]
    assert terms["variant"] == "judge j/j"
    assert "4 of 8 of made <up> (exact), 1 run each" in terms["tasks"]
    assert "2026-11-28" in terms["prices"]
    assert "failed" in terms["self-test"]


def test_web_tools_are_told_with_what_is_closed_to_them() -> None:
    told = dict(report(web=("panel",), tasks=replace(report().tasks, form="draco")).terms)["web"]
    assert "tools in panel; blocked: huggingface.co" in told
    assert "nothing is blocked" in dict(report(web=("panel",)).terms)["web"]


def test_notes_say_what_is_thin_leaky_or_cut() -> None:
    thin = [replace(r, score=replace(r.score, coverage=Coverage(0.9, 0.9))) for r in LEAKY]
    notes = report(thin, judging=JUDGING, cut=True, warnings=("the judge is a party",)).notes
    assert notes[0] == "the judge is a party"
    assert any("fewer than 95% of the verdicts" in note for note in notes)
    assert any("budget ended" in note for note in notes)
    assert any("know of the benchmark; without them 33.3" in note for note in notes)


def test_notes_say_how_answers_ended() -> None:
    cut = [replace(r, answer=replace(r.answer, ending="unfinished")) if r.arm == "panel" else r for r in ROWS]
    assert "panel: of 4 answers 4 unfinished" in report(cut).notes


def test_the_sentence_that_may_be_quoted() -> None:
    said = report().verdict
    assert said.startswith("On made <up>, protocol exact: panel scored 50.0 (")
    assert "100.0 times the cost and 1.0 times the time" in said
    assert report([row for row in ROWS if row.arm == "a/x (solo)"]).verdict == ""


def test_document_is_json() -> None:
    whole = document(report(simulated=True))
    assert json.loads(json.dumps(whole, allow_nan=False))["simulated"] is True
    assert whole["arms"][2]["against"]["won"] == 1
    assert whole["pareto_cost"] == ["a/x (solo)"]
    assert whole["leave_one_out"][0]["model"] == "a/x"
