"""The public names, and runs from Python."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fusion_graph import api
from fusion_graph.errors import PipelineError, RunFailed, UsageError
from fusion_graph.events import Event, RunFinished, TextDelta
from fusion_graph.messages import Message
from fusion_graph.providers.sim import SimClient

QUESTION = "What is 6 times 7?"
BROKEN = {
    "version": 1,
    "name": "broken",
    "nodes": {"a": {"kind": "proposer", "model": "sim/fault-400@sim"}},
    "output": "a",
}


@pytest.fixture(autouse=True)
def simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_BACKEND", "sim")


def test_the_public_names_are_these() -> None:
    assert api.__all__ == [
        "Analysis",
        "Draft",
        "FusionError",
        "Pipeline",
        "RunResult",
        "default_registry",
        "load",
        "run",
        "stream",
    ]
    assert all(hasattr(api, name) for name in api.__all__)


def test_the_arguments_of_run_are_these() -> None:
    names = list(inspect.signature(api.run).parameters)
    assert names[:2] == ["pipeline", "prompt"]
    assert set(names[2:]) == {
        *("params", "seed", "budget_usd", "deadline_s"),
        *("prices", "listener", "stream", "settings", "tools"),
    }


async def test_a_run_gives_its_answer_and_its_figures() -> None:
    result = await api.run("budget", QUESTION)
    assert "42" in result.text
    assert (result.state, result.cost_usd, result.degraded, result.simulated) == ("ok", 0.0, (), True)
    assert isinstance(result, api.RunResult)
    assert isinstance(result.analysis, api.Analysis)
    assert all(isinstance(draft, api.Draft) for draft in result.drafts)


async def test_a_pipeline_uses_the_tools_it_is_given(tmp_path: Path) -> None:
    tooled = {
        "version": 1,
        "name": "tooled",
        "nodes": {"only": {"kind": "proposer", "model": "a/x", "tools": ["read_file"]}},
        "output": "only",
    }
    with pytest.raises(UsageError, match="read_file, which is not allowed here"):
        await api.run(tooled, QUESTION)
    box = api.default_registry(root=tmp_path, allow=["read_file"])
    assert (await api.run(tooled, QUESTION, tools=box)).state == "ok"


async def test_a_loaded_pipeline_runs_again_and_again() -> None:
    pipeline = api.load("budget")
    assert isinstance(pipeline, api.Pipeline)
    assert (await api.run(pipeline, QUESTION)).text == (await api.run(pipeline, QUESTION)).text


async def test_a_conversation_may_be_given() -> None:
    turns: api.Prompt = [{"role": "system", "content": "Be brief."}, Message("user", QUESTION)]
    assert "42" in (await api.run("budget", turns)).text


@pytest.mark.parametrize("turn", [{}, {"role": "user"}, {"role": "it", "content": "x"}, {"role": "user", "content": 3}])
async def test_what_is_no_turn_is_refused(turn: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="not a turn"):
        await api.run("budget", [turn])


async def test_a_failed_run_is_a_result_whose_text_raises() -> None:
    result = await api.run(BROKEN, QUESTION)
    assert result.state == "failed"
    with pytest.raises(api.FusionError) as caught:
        _ = result.text
    assert isinstance(caught.value, RunFailed)


async def test_an_invalid_pipeline_raises_with_every_mistake() -> None:
    with pytest.raises(PipelineError) as caught:
        await api.run({**BROKEN, "output": "b", "nmae": 1}, QUESTION)
    assert len(caught.value.diagnostics) == 2


async def test_a_stream_is_the_answer_in_pieces() -> None:
    events = [event async for event in api.stream("budget", QUESTION)]
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert text == (await api.run("budget", QUESTION)).text
    assert isinstance(events[-1], RunFinished)


async def test_a_stream_without_an_answer_raises_after_its_events() -> None:
    seen: list[Event] = []

    async def listen() -> None:
        async for event in api.stream(BROKEN, QUESTION):
            seen.append(event)  # noqa: PERF401  (what came before the error counts)

    with pytest.raises(RunFailed):
        await listen()
    assert isinstance(seen[-1], RunFinished)


async def test_leaving_a_stream_cancels_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    clients: list[SimClient] = []
    monkeypatch.setattr(SimClient, "aclose", lambda self: _remember(clients, self))
    pipeline = {**BROKEN, "nodes": {"a": {"kind": "proposer", "model": "sim/slow@sim"}}}
    events = api.stream(pipeline, QUESTION)
    async for _event in events:
        break
    await events.aclose()  # type: ignore[attr-defined]
    assert [len(client.running) for client in clients] == [0]


async def _remember(clients: list[SimClient], client: SimClient) -> None:
    clients.append(client)


def test_the_example_in_the_readme_runs() -> None:
    root = Path(__file__).parents[1]
    (example,) = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text("utf-8"), re.DOTALL)
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONWARNINGS": "error"}
    done = subprocess.run([sys.executable, "-c", example], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "Why is the sky blue?" in done.stdout
    assert "And at sunset?" in done.stdout
