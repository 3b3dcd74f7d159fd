"""Which file a name means, which backend answers, and what is refused before anything is spent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from fusion_graph import settings, wiring
from fusion_graph.contracts import Backend
from fusion_graph.errors import PipelineError, UsageError
from fusion_graph.providers import _detect, local
from fusion_graph.providers._detect import Candidate

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

    app = web.Application()
    app.add_routes([web.get("/api/version", version), web.get("/v1/models", listing)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    candidate = Candidate("ollama", port, "/api/version", lambda body: "version" in body)
    monkeypatch.setattr(_detect.find_local_servers, "__defaults__", ((candidate,),))
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        await runner.cleanup()


def nothing_here(monkeypatch: pytest.MonkeyPatch, missing: str = "no engine") -> None:
    """No local server; `missing` says what the embedded model lacks."""
    monkeypatch.setattr(_detect.find_local_servers, "__defaults__", ((),))
    monkeypatch.setattr(local, "available", lambda: missing)


# --- pipelines --------------------------------------------------------------------------------------------------------


def test_every_preset_is_found() -> None:
    assert {"budget", "frontier", "local"} <= wiring.presets().keys()


def test_a_preset_goes_before_a_folder_of_that_name() -> None:
    Path("budget").mkdir()
    assert wiring.locate("budget") == wiring.presets()["budget"]


def test_a_path_reaches_a_file_named_like_a_preset() -> None:
    Path("budget").write_text(json.dumps(DOCUMENT))
    assert wiring.load("./budget").name == "p"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("budgt", "did you mean budget"), ("zzz", "presets: "), ("mien.yaml", "did you mean mine.yaml?"), ("a/b", "path")],
)
def test_an_unknown_name_gets_a_hint(name: str, hint: str) -> None:
    Path("mine.yaml").write_text("x")
    with pytest.raises(UsageError) as caught:
        wiring.locate(name)
    assert hint in caught.value.hint


def test_loads_files_documents_and_pipelines() -> None:
    pipeline = wiring.load(DOCUMENT)
    assert wiring.load(pipeline) is pipeline
    with pytest.raises(PipelineError):
        wiring.load({"version": 1})


def test_limits_of_a_caller_go_before_the_files() -> None:
    bound = wiring.bind_pipeline(wiring.load({**DOCUMENT, "limits": {"deadline_s": 300, "reserve_s": 90}}))
    higher, lower = (wiring.limits_of(bound, deadline_s=seconds) for seconds in (900.0, 30.0))
    assert (higher.deadline_s, higher.reserve_s) == (900, 90)
    assert (lower.deadline_s, lower.reserve_s) == (30, 7.5)
    assert wiring.limits_of(bound, budget_usd=2.0).budget_usd == 2.0


# --- backends ---------------------------------------------------------------------------------------------------------


async def test_what_is_set_is_used() -> None:
    chosen = await wiring.select(setup(FUSION_BASE_URL="http://127.0.0.1:9/v1"))
    assert (chosen.default, chosen.why) == ("default", "FUSION_BASE_URL is set")


async def test_a_running_server_is_used_next(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ollama(monkeypatch, "llama3.2", "nomic-embed-text", "qwen3:8b") as url:
        chosen = await wiring.select(setup())
    assert (chosen.default, chosen.backends["ollama"]) == ("ollama", Backend(name="ollama", base_url=url, free=True))
    assert chosen.listed == ("llama3.2", "qwen3:8b")


async def test_its_models_stand_in_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_here(monkeypatch)
    models = ["a/x", "qwen3:8b", "b/y@sim", "c/z"]
    nodes = {"g": {"kind": "layer", "models": models}, "s": {"kind": "synth", "model": "a/x", "inputs": ["g"]}}
    bound = wiring.bind_pipeline(wiring.load({**DOCUMENT, "nodes": nodes, "output": "s"}))
    chosen = replace(await wiring.select(setup()), listed=("llama3.2", "qwen3:8b"))
    fitted, names = wiring.fit_models(bound, chosen)
    assert names == {"a/x": "llama3.2", "c/z": "qwen3:8b"}
    assert [str(node.model.model) for node in fitted.nodes if node.model] == [
        *("llama3.2", "qwen3:8b", "b/y@sim", "qwen3:8b"),
        "llama3.2",
    ]
    assert [node.id for node in fitted.nodes] == [node.id for node in bound.nodes]


async def test_a_server_without_models_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "available", lambda: "no engine")
    async with ollama(monkeypatch):
        assert (await wiring.select(setup())).default == "sim"


@pytest.mark.parametrize(("missing", "name"), [("", "local"), ("no engine", "sim")])
async def test_else_the_embedded_model_else_sim(monkeypatch: pytest.MonkeyPatch, missing: str, name: str) -> None:
    nothing_here(monkeypatch, missing)
    chosen = await wiring.select(setup())
    assert chosen.default == name
    assert chosen.why.startswith("no key")


async def test_settings_rename_models(tmp_path: Path) -> None:
    file = tmp_path / "f.toml"
    file.write_text('[models]\n"a/x" = "qwen3:8b@sim"\n')
    ready = await wiring.prepare(wiring.load(DOCUMENT), {}, setup(FUSION_BACKEND="sim", FUSION_CONFIG=str(file)))
    assert [str(node.model.model) for node in ready.bound.nodes if node.model] == ["qwen3:8b@sim"]
    assert ready.told == "backend: sim, simulated (FUSION_BACKEND is set); qwen3:8b@sim for a/x"


async def test_a_missing_key_is_refused() -> None:
    given = setup(FUSION_BASE_URL="https://openrouter.ai/api/v1")
    with pytest.raises(UsageError, match="p calls backend 'default', which needs a key"):
        await wiring.prepare(wiring.load(DOCUMENT), {}, given)
    elsewhere = {**DOCUMENT, "nodes": {"a": {"kind": "proposer", "model": "a/x@sim"}}}
    ready = await wiring.prepare(wiring.load(elsewhere), {}, given)
    assert ready.told == "backend: sim, simulated (named in the pipeline)"


def test_free_backends_cost_nothing() -> None:
    look_up = wiring.rates(setup(FUSION_BASE_URL="http://127.0.0.1:9/v1"), wiring.prices())
    models = "openai/gpt-5.5@sim", "no/body@local", "no/body"
    assert [getattr(look_up(model), "output", None) for model in models] == [0, 0, None]
    paid = look_up("openai/gpt-5.5")
    assert paid is not None
    assert paid.output > 0


def test_the_graph_form_keeps_comments(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(f"# mine\n{json.dumps(DOCUMENT)}\n")
    assert wiring.graph_text(str(tmp_path / "p.yaml")).startswith("# mine\n")
    assert "kind: layer" in wiring.graph_text("budget")
