"""The models of a dry run: seeded, each different, and an examiner that looks for terms."""

from __future__ import annotations

import json

import pytest

from fusion_graph.contracts import Backend
from fusion_graph.evals.protocols import openrouter, paper
from fusion_graph.evals.running.simulated import backends, examine, examiner, panelist
from fusion_graph.evals.task import Criterion, Task
from fusion_graph.messages import Call, Message, Sampling
from tests.evals.desk import virtually

TASK = Task(id="t", prompt="Why?")


@pytest.mark.parametrize(
    ("requirement", "met"),
    [
        ('Names "Canberra".', True),
        ('Names "Sydney".', False),
        ("Explains that the capital is small", True),
        ("Describes bridges across harbours", False),
    ],
)
def test_examiner_finds_terms(requirement: str, met: bool) -> None:
    criterion, text = (
        Criterion(id="c", weight=1, requirement=requirement),
        "The capital explains: it is small, canberra.",
    )
    shown = openrouter.prompt(TASK, criterion, text)
    strict = Call("j/j", shown, Sampling(response_format=openrouter.FORMAT))
    assert openrouter.read(examine(strict)) == ("MET" if met else "UNMET")
    assert paper.read(examine(Call("j/j", paper.prompt(TASK, criterion, text), Sampling()))) == (
        "MET" if met else "UNMET"
    )


async def test_examiner_is_a_model() -> None:
    client = examiner(Backend(name="sim"))
    completion = await client.complete(Call("j/j", (Message("user", "?"),), Sampling()), lambda _delta: None)
    assert json.loads(completion.text)["criterion_status"] == "UNMET"
    assert completion.simulated


def test_panelists_differ_and_repeat_themselves() -> None:
    async def say(model: str) -> str:
        client = panelist(Backend(name="sim"))
        call = Call(model, (Message("user", "What is the capital of Brazil?"),), Sampling())
        said = (await client.complete(call, lambda _delta: None)).text
        await client.aclose()
        return said

    said = [virtually(say(f"m/{n}")) for n in range(8)]
    assert said == [virtually(say(f"m/{n}")) for n in range(8)]
    assert len(set(said)) > 2


def test_every_backend_is_simulated() -> None:
    assert set(backends(["", "ollama"])) == {"sim", "ollama"}
