"""One answer: what is kept of a run, and how it ended."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.errors import Permanent, Transient, UsageError
from fusion_graph.evals.arms import Arm, solos
from fusion_graph.evals.running.generation import Answer, answer_key, from_plain, generate, to_plain
from fusion_graph.evals.running.recording import Door
from fusion_graph.evals.task import Task
from fusion_graph.messages import Completion
from fusion_graph.providers.sim import Script
from tests.evals.desk import PANEL, Bench, bound, load, virtually

TASK = Task(id="t", prompt="Why?", answer="1")
ARM = Arm(name="panel", bound=bound(load(PANEL), {}))
LOST = Permanent("bad_request", status=400)


def answer(script: Script, arm: Arm = ARM, **bench: Any) -> Answer:
    async def main() -> Answer:
        made = Bench(script, **bench)
        async with made.fusion(made.models, Door(made.stages, paced=True)) as fusion:
            return await generate(arm, TASK, 0, fusion, fence="f" * 12)

    return virtually(main())


def test_what_is_kept_of_a_run() -> None:
    found = answer({"a/x": (2.0, "one"), "b/y": "two", "c/z": (1.0, "three")})
    assert (found.text, found.ending, found.calls, found.seconds) == ("three", "answered", 3, 3.0)
    assert [draft[1:] for draft in found.drafts] == [("a/x", "one"), ("b/y", "two")]
    assert found.cost_usd is not None
    assert found.whole
    assert from_plain(to_plain(found)) == found


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


def test_a_broken_store_is_told() -> None:
    with pytest.raises(UsageError, match="that is none"):
        from_plain({"text": "t"})


def test_keys_know_task_prompt_and_run() -> None:
    other = Task(id="t", prompt="Why not?", answer="1")
    assert len({answer_key(ARM, TASK, 0), answer_key(ARM, TASK, 1), answer_key(ARM, other, 0)}) == 3
