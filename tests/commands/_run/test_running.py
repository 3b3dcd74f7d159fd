"""One run from the command line, without a command line: what it prints, keeps and returns."""

from __future__ import annotations

import json

import pytest

from fusion_graph.commands._run.running import Job, perform
from fusion_graph.messages import Message
from fusion_graph.tapes.straight import Asked
from fusion_graph.wiring import pipelines

ASKED = Asked(pipelines.load("budget"), {}, (Message("user", "What is 6 times 7?"),))


@pytest.fixture(autouse=True)
def simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_BACKEND", "sim")


async def test_a_job_prints_its_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert await perform(Job(asked=ASKED)) == 0
    assert "42" in capsys.readouterr().out


async def test_a_job_without_a_tree_says_little(capsys: pytest.CaptureFixture[str]) -> None:
    await perform(Job(asked=ASKED, tree=False))
    assert capsys.readouterr().err.count("\n") == 1


async def test_a_document_is_not_streamed(capsys: pytest.CaptureFixture[str]) -> None:
    await perform(Job(asked=ASKED, as_json=True))
    assert json.loads(capsys.readouterr().out)["answer"]


async def test_parameters_limits_and_seed_reach_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ASKED._replace(params={"layers": 2}, seed=3, deadline_s=50)
    await perform(Job(asked=asked, as_json=True))
    told = json.loads(capsys.readouterr().out)
    assert sum(node["attempts"] for node in told["nodes"]) == 8
