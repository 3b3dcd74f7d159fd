"""Every preset: reads without a finding, expands, plans within its limits, draws, and runs on simulated models."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from fusion_graph.contracts import Backend
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.pricing import Prices
from fusion_graph.engine.request import ask
from fusion_graph.graph import panel, reader
from fusion_graph.graph.binding import bind
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.drawing.diagram import picture
from fusion_graph.graph.drawing.dot import to_dot
from fusion_graph.graph.drawing.mermaid import to_mermaid
from fusion_graph.graph.drawing.svg import to_svg
from fusion_graph.graph.drawing.terminal import to_terminal
from fusion_graph.graph.expand import expand
from fusion_graph.kinds import KINDS
from fusion_graph.pipeline import Pipeline
from fusion_graph.providers import PROVIDERS
from fusion_graph.wiring import pipelines

ROOT = Path(__file__).parents[1]
FILES = list(pipelines.presets().values())
WANTED = (
    *("best-of-n", "budget", "budget-graph", "cascade", "debate", "frontier", "frontier-graph", "hedged", "local"),
    *("moa-layers", "quorum", "rank-fuse", "refine", "self-consistency", "self-moa", "universal-self-consistency"),
)
SIMULATED = {
    "sim": Backend(name="sim", provider="sim", free=True),
    "local": Backend(name="local", provider="sim", free=True),
}

each_preset = pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])


def load(file: Path) -> Pipeline:
    return reader.load(file.read_bytes(), file=str(file), kinds=KINDS)


def bound(file: Path) -> Bound:
    return bind(load(file), KINDS)


@cache
def validator(form: str) -> Draft202012Validator:
    """What an editor would check with."""
    schema = json.loads((ROOT / "schemas" / f"{form}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_no_preset_is_missing() -> None:
    assert {file.stem for file in FILES} >= set(WANTED)


@each_preset
def test_preset_reads_without_a_finding(file: Path) -> None:
    reading = reader.read(file.read_bytes(), file=str(file), kinds=KINDS)
    assert [str(finding) for finding in reading.diagnostics] == []
    assert reading.pipeline


@each_preset
def test_preset_teaches(file: Path) -> None:
    pipeline = load(file)
    assert pipeline.name == file.stem
    assert pipeline.description.endswith(".")
    assert {"deadline_s", "reserve_s", "max_calls"} <= pipeline.limits.keys()
    assert sum(line.lstrip().startswith("#") for line in file.read_text().splitlines()) >= 3
    schema = "panel" if pipeline.panel_form else "graph"
    assert file.read_text().startswith(f"# yaml-language-server: $schema=../schemas/{schema}.schema.json\n")
    assert (ROOT / "schemas" / f"{schema}.schema.json").is_file()


@each_preset
def test_preset_fits_the_published_schema(file: Path) -> None:
    document = YAML(typ="safe").load(file)
    published = validator("panel" if "panel" in document else "graph")
    assert [error.message for error in published.iter_errors(document)] == []


def test_panel_form_falls_back_on_the_default_preset() -> None:
    """semantics 5: an omitted `judge` or `synthesizer` is the default preset's."""
    params = load(ROOT / "pipelines" / "budget.yaml").params
    assert (params["judge"].default, params["synthesizer"].default) == (panel.JUDGE, panel.SYNTHESIZER)


@each_preset
def test_preset_expands_to_plain_nodes(file: Path) -> None:
    pipeline = load(file)
    shape = {name: spec.default for name, spec in pipeline.params.items() if spec.shape}
    ids = [node.id for node in expand(pipeline, shape)]
    assert len(ids) == len(set(ids)) > 1


@each_preset
def test_preset_ends_in_a_fallback(file: Path) -> None:
    whole = bound(file)
    assert whole.nodes[whole.output].kind == "fallback"


@each_preset
def test_preset_models_have_prices(file: Path) -> None:
    prices = Prices.shipped()
    models = [node.model.model for node in bound(file).nodes if node.model]
    assert models
    assert [ref for ref in models if not ref.backend and prices.rates(ref.slug) is None] == []


@each_preset
def test_preset_draws_in_every_dialect(file: Path) -> None:
    drawn = picture(bound(file))
    assert to_dot(drawn).startswith("digraph")
    assert to_mermaid(drawn).startswith("flowchart")
    assert to_svg(drawn).startswith("<svg")
    assert "final" in to_terminal(drawn) or "answer" in to_terminal(drawn)


@each_preset
async def test_preset_runs_on_sim(file: Path) -> None:
    async with Fusion(
        providers=PROVIDERS, backends=SIMULATED, default_backend="sim", prices=Prices.shipped()
    ) as fusion:
        result = await fusion.run(bound(file), ask("What is the capital of Australia?", seed=7))
    assert result.state in ("ok", "degraded"), result.error
    assert result.answer
    assert result.answer.text.strip()
    assert result.simulated
    assert result.cost_usd == 0
