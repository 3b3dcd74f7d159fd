"""What is refused before anything is spent, and what models cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusion_graph import settings
from fusion_graph.errors import UsageError
from fusion_graph.wiring import engines, pipelines

DOCUMENT = {"version": 1, "name": "p", "nodes": {"a": {"kind": "proposer", "model": "a/x"}}, "output": "a"}


def setup(**variables: str) -> settings.Settings:
    return settings.load(variables, Path("nowhere"))


async def test_settings_rename_models(tmp_path: Path) -> None:
    file = tmp_path / "f.toml"
    file.write_text('[models]\n"a/x" = "qwen3:8b@sim"\n')
    ready = await engines.prepare(pipelines.load(DOCUMENT), {}, setup(FUSION_BACKEND="sim", FUSION_CONFIG=str(file)))
    assert [str(node.model.model) for node in ready.bound.nodes if node.model] == ["qwen3:8b@sim"]
    assert ready.told == "backend: sim, simulated (FUSION_BACKEND is set); qwen3:8b@sim for a/x"


async def test_a_missing_key_is_refused() -> None:
    given = setup(FUSION_BASE_URL="https://openrouter.ai/api/v1")
    with pytest.raises(UsageError, match="p calls backend 'default', which needs a key"):
        await engines.prepare(pipelines.load(DOCUMENT), {}, given)
    elsewhere = {**DOCUMENT, "nodes": {"a": {"kind": "proposer", "model": "a/x@sim"}}}
    ready = await engines.prepare(pipelines.load(elsewhere), {}, given)
    assert ready.told == "backend: sim, simulated (named in the pipeline)"


def test_free_backends_cost_nothing() -> None:
    look_up = engines.rates(setup(FUSION_BASE_URL="http://127.0.0.1:9/v1"), engines.prices())
    models = "openai/gpt-5.5@sim", "no/body@local", "no/body"
    assert [getattr(look_up(model), "output", None) for model in models] == [0, 0, None]
    paid = look_up("openai/gpt-5.5")
    assert paid is not None
    assert paid.output > 0
