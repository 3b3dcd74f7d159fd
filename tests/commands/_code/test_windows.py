"""How long an agent's conversation may get, by what is known of its models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from fusion_graph import settings
from fusion_graph.commands._code.windows import MOST, UNKNOWN, room_in
from fusion_graph.wiring import engines, pipelines
from tests.loopback import served


def pipeline(*models: str) -> dict[str, Any]:
    return {
        "version": 1,
        "name": "minds",
        "nodes": {
            "panel": {"kind": "layer", "models": list(models)},
            "answer": {"kind": "synth", "model": models[0], "inputs": ["panel"]},
        },
        "output": "answer",
    }


async def room(folder: Path, environment: Mapping[str, str], *models: str, toml: str = "") -> int:
    (folder / "fusiongraph.toml").write_text(toml)
    setup = settings.load({"FUSION_HOME": str(folder), **environment}, folder)
    ready = await engines.prepare(pipelines.load(pipeline(*models)), {}, setup)
    return await room_in(ready.bound, ready.selection, setup)


SIM = {"FUSION_BACKEND": "sim"}
NOBODY = {"FUSION_BASE_URL": "http://127.0.0.1:9/v1"}


async def test_of_a_model_that_nobody_knows_a_usual_window_is_taken(tmp_path: Path) -> None:
    assert await room(tmp_path, SIM, "sim/a") == UNKNOWN
    assert await room(tmp_path, NOBODY, "nobody/knows") == UNKNOWN


async def test_the_smallest_window_counts_and_a_quarter_is_left_to_the_reply(tmp_path: Path) -> None:
    toml = '[server.facts."sim/a"]\ncontext_length = 40000\n[server.facts."sim/b"]\ncontext_length = 16000\n'
    assert await room(tmp_path, SIM, "sim/a", toml=toml) == 30_000
    assert await room(tmp_path, SIM, "sim/a", "sim/b", toml=toml) == 12_000


async def test_the_shipped_table_knows_the_usual_ones_and_no_more_than_enough_is_used(tmp_path: Path) -> None:
    assert await room(tmp_path, NOBODY, "anthropic/claude-haiku-4-5") == 150_000
    assert await room(tmp_path, NOBODY, "anthropic/claude-opus-4.8") == MOST


async def test_the_embedded_model_has_its_own(tmp_path: Path) -> None:
    assert await room(tmp_path, {}, "smollm2@local") == 6144


async def test_what_the_backend_says_beats_the_table(tmp_path: Path) -> None:
    async def models(_request: web.Request) -> web.Response:
        entry = {"id": "anthropic/claude-opus-4.8", "max_model_len": 32_000}
        return web.json_response({"data": [entry, {"id": "other"}]})

    async with served({"/v1/models": models}) as url:
        there = {"FUSION_BASE_URL": f"{url}/v1"}
        assert await room(tmp_path, there, "anthropic/claude-opus-4.8") == 24_000
        assert await room(tmp_path, there, "other") == UNKNOWN
