"""`fusiongraph plan`: figures before anything is spent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Done

Cli = Callable[..., Done]


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch, cli: Cli) -> Cli:
    """A command line with a backend that costs money and is never reached."""
    monkeypatch.setenv("FUSION_BACKEND", "default")
    monkeypatch.setenv("FUSION_BASE_URL", "http://127.0.0.1:9/v1")
    return cli


def test_shows_every_node_and_the_sums(priced: Cli) -> None:
    done = priced("plan", "budget")
    lines = {line.split()[0]: line for line in done.out.splitlines() if line.strip()}
    assert done.code == 0
    assert re.search(r"google/gemini-3-flash +1 +2\.0k +4\.1k +\$0\.0\d+", lines["panel/gemini-3-flash"])
    assert "(layer)" in lines["panel"]
    assert "5 calls, at most 15 attempts" in lines["calls"]
    assert re.search(r"\$0\.\d+ with every text at its full length, \$1\.\d+ with every attempt", lines["cost"])
    assert re.search(r"prices of \d{4}-\d\d-\d\d", lines["cost"])
    assert "judge > synth: 3 calls one after the other" in lines["longest"]
    assert lines["answer"].split() == ["answer", "(fallback)"] or "live" in done.out


def test_an_unknown_price_is_named(priced: Cli, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("version: 1\nname: p\nnodes: {a: {kind: proposer, model: no/body}}\noutput: a\n")
    done = priced("plan", tmp_path / "p.yaml")
    assert "cost      unknown, as a price is missing" in done.out
    assert "no price  no/body" in done.out


def test_prices_may_be_given(priced: Cli, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("version: 1\nname: p\nnodes: {a: {kind: proposer, model: no/body}}\noutput: a\n")
    (tmp_path / "prices.json").write_text('{"date": "2027-01-01", "models": {"no/body": [1000, 1000]}}')
    assert "(prices of 2027-01-01)" in priced("plan", tmp_path / "p.yaml", "--prices", tmp_path / "prices.json").out


def test_simulated_models_cost_nothing(cli: Cli) -> None:
    assert re.search(r"^cost +\$0$", cli("plan", "budget").out, re.MULTILINE)


def test_json_has_the_whole_estimate(priced: Cli) -> None:
    told = json.loads(priced("plan", "budget", "--json").out)
    assert told["calls"] == {"least": 5, "most": 5}
    assert told["attempts"] == 15
    assert told["cost"]["worst"] > told["cost"]["most"] > 0
    assert told["prices_date"]
    assert [node["id"] for node in told["nodes"]][0] == "panel/gemini-3-flash"  # noqa: RUF015


def test_params_change_the_plan(cli: Cli) -> None:
    assert json.loads(cli("plan", "budget", "-p", "layers=2", "--json").out)["calls"]["most"] == 8
    assert cli("plan", "budget", "-p", "layers=0").code == 2


def test_a_longer_prompt_costs_more(cli: Cli) -> None:
    short, long = (json.loads(cli("plan", "budget", text, "--json").out) for text in ("hi", "word " * 5000))
    assert long["input_tokens"] > short["input_tokens"]
    assert short["prompt_tokens"] < 20


def test_a_quorum_out_of_reach_is_placed(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(
        "version: 1\nname: p\nparams: {n: {type: integer, default: 2}}\n"
        "nodes:\n  g: {kind: layer, models: [a/x, b/y], quorum: $n}\n"
        "  a: {kind: synth, model: a/x, inputs: [g]}\noutput: a\n"
    )
    done = cli("plan", file, "-p", "n=3")
    assert (done.code, done.out) == (2, "")
    assert "p.yaml: FG501 node 'g': quorum 3 is above its 2 members" in done.err
