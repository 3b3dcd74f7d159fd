"""One answer: what is kept of a run, and how it ended."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.errors import Permanent, Transient, UsageError
from fusion_graph.evals.arms import Arm, solos
from fusion_graph.evals.running.generation import Answer, answer_id, from_document, generate
from fusion_graph.evals.running.recording import Door
from fusion_graph.evals.running.records import KEPT
from fusion_graph.evals.task import Task
from fusion_graph.messages import Completion
from fusion_graph.providers.sim import Script
from tests.evals.desk import PANEL, Bench, bound, load, new_book, virtually

TASK = Task(id="t", prompt="Why?", answer="1")
ARM = Arm(name="panel", bound=bound(load(PANEL), {}))
LOST = Permanent("bad_request", status=400)


def answer(script: Script, arm: Arm = ARM, **bench: Any) -> Answer:
    async def main() -> Answer:
        made = Bench(script, **bench)
        async with made.fusion(made.models, Door(made.book, paced=True)) as fusion:
            return await generate(arm, TASK, 0, fusion, made.book)

    return virtually(main())


def test_what_is_kept_of_a_run() -> None:
    found = answer({"a/x": (2.0, "one"), "b/y": "two", "c/z": (1.0, "three")})
    assert (found.text, found.ending, found.calls, found.seconds) == ("three", "answered", 3, 3.0)
    assert [draft[1:] for draft in found.drafts] == [("a/x", "one"), ("b/y", "two")]
    assert found.cost_usd is not None
    assert found.whole


@pytest.mark.parametrize(
    ("script", "ending", "text"),
    [
        ({"*": Permanent("auth_failed", status=401)}, "transport", ""),
        ({"a/x": LOST, "*": "ok"}, "wrong_panel", "ok"),
        ({"c/z": LOST, "*": "ok"}, "wrong_panel", "ok"),
        ({"c/z": Completion(text="cut", finish_reason="length"), "*": "ok"}, "unfinished", "cut"),
        ({"c/z": Completion(text="no", refusal="no"), "*": "ok"}, "refused", "no"),
        ({"*": [Transient("empty_output")]}, "unfinished", ""),
    ],
)
def test_how_it_ended(script: Script, ending: str, text: str) -> None:
    found = answer(script)
    assert (found.ending, found.text) == (ending, text)


def test_a_solo_has_no_drafts() -> None:
    solo = solos(load(PANEL), {}, bound)[0]
    assert answer({"*": "one"}, solo).drafts == ()


def test_a_refused_call_makes_it_not_whole() -> None:
    assert not answer({"*": "ok"}, budget=0.0).whole


def test_an_unknown_backend_names_the_arm() -> None:
    document = {**PANEL, "nodes": {"answer": {"kind": "proposer", "model": "a/x@nowhere"}}, "output": "answer"}
    with pytest.raises(UsageError, match="odd: unknown backend"):
        answer({}, Arm(name="odd", bound=bound(load(document), {})))


def test_a_broken_journal_is_told() -> None:
    for told in ({KEPT: {"drafts": ["gone"]}, "drafts": []}, {KEPT: 1, "drafts": []}):
        with pytest.raises(UsageError, match="that is none"):
            from_document(told)
    assert from_document({"answer": "one that was lost"}) is None


def test_ids_know_eval_arm_task_prompt_and_run() -> None:
    other, book = Task(id="t", prompt="Why not?", answer="1"), new_book()
    asked = [(book, ARM, TASK, 0), (book, ARM, TASK, 1), (book, ARM, other, 0), (new_book(), ARM, TASK, 0)]
    assert len({answer_id(*each) for each in asked}) == 4
