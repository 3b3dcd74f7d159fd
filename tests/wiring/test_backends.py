"""Which backend answers, and what is called in the place of a model it lacks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from fusion_graph import settings
from fusion_graph.contracts import Backend
from fusion_graph.providers import _detect, local
from fusion_graph.providers._detect import Candidate
from fusion_graph.wiring import backends, pipelines
from tests.loopback import served

DOCUMENT = {"version": 1, "name": "p", "nodes": {"a": {"kind": "proposer", "model": "a/x"}}, "output": "a"}


def setup(**variables: str) -> settings.Settings:
    return settings.load(variables, Path("nowhere"))


@asynccontextmanager
async def ollama(monkeypatch: pytest.MonkeyPatch, *models: str) -> AsyncIterator[str]:
    """A local server with these models, the only one that is looked for."""

    async def version(_request: web.Request) -> web.Response:
        return web.json_response({"version": "0.1"})

    async def listing(_request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": model} for model in models]})

    async with served({"/api/version": version, "/v1/models": listing}) as url:
        candidate = Candidate("ollama", int(url.rpartition(":")[2]), "/api/version", lambda body: "version" in body)
        monkeypatch.setattr(_detect.find_local_servers, "__defaults__", ((candidate,),))
        yield f"{url}/v1"


def nothing_here(monkeypatch: pytest.MonkeyPatch, missing: str = "no engine") -> None:
    """No local server; `missing` says what the embedded model lacks."""
    monkeypatch.setattr(_detect.find_local_servers, "__defaults__", ((),))
    monkeypatch.setattr(local, "available", lambda: missing)


async def test_what_is_set_is_used() -> None:
    chosen = await backends.select(setup(FUSION_BASE_URL="http://127.0.0.1:9/v1"))
    assert (chosen.default, chosen.why) == ("default", "FUSION_BASE_URL is set")


async def test_a_running_server_is_used_next(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ollama(monkeypatch, "llama3.2", "nomic-embed-text", "qwen3:8b") as url:
        chosen = await backends.select(setup())
    assert (chosen.default, chosen.backends["ollama"]) == ("ollama", Backend(name="ollama", base_url=url, free=True))
    assert chosen.listed == ("llama3.2", "qwen3:8b")


async def test_its_models_stand_in_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_here(monkeypatch)
    models = ["a/x", "qwen3:8b", "b/y@sim", "c/z"]
    nodes = {"g": {"kind": "layer", "models": models}, "s": {"kind": "synth", "model": "a/x", "inputs": ["g"]}}
    bound = pipelines.bind(pipelines.load({**DOCUMENT, "nodes": nodes, "output": "s"}))
    chosen = replace(await backends.select(setup()), listed=("llama3.2", "qwen3:8b"))
    fitted, names = backends.fit_models(bound, chosen)
    assert names == {"a/x": "llama3.2", "c/z": "qwen3:8b"}
    assert [str(node.model.model) for node in fitted.nodes if node.model] == [
        *("llama3.2", "qwen3:8b", "b/y@sim", "qwen3:8b"),
        "llama3.2",
    ]
    assert [node.id for node in fitted.nodes] == [node.id for node in bound.nodes]


async def test_a_server_without_models_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "available", lambda: "no engine")
    async with ollama(monkeypatch):
        assert (await backends.select(setup())).default == "sim"


@pytest.mark.parametrize(("missing", "name"), [("", "local"), ("no engine", "sim")])
async def test_else_the_embedded_model_else_sim(monkeypatch: pytest.MonkeyPatch, missing: str, name: str) -> None:
    nothing_here(monkeypatch, missing)
    chosen = await backends.select(setup())
    assert chosen.default == name
    assert chosen.why.startswith("no key")
