"""engine/pricing: what a model costs, and that unknown is never 0."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fusion_graph.engine.pricing import Prices, Rates
from fusion_graph.errors import UsageError
from fusion_graph.messages import Usage

PRESET_SLUGS = (
    "google/gemini-3-flash",
    "moonshotai/kimi-k2.6",
    "deepseek/deepseek-v4-pro",
    "anthropic/claude-opus-4.8",
    "openai/gpt-5.5",
    "google/gemini-3.1-pro",
)


def usage(prompt: int, completion: int, cached: int = 0) -> Usage:
    return Usage(prompt_tokens=prompt, completion_tokens=completion, cached_tokens=cached)


@pytest.mark.parametrize("slug", PRESET_SLUGS)
def test_every_preset_model_has_a_price(slug: str) -> None:
    rates = Prices.shipped().rates(slug)
    assert rates
    assert 0 < rates.cached <= rates.input < rates.output


def test_unknown_model_costs_none() -> None:
    prices = Prices({"a/x": [1, 2]})
    assert prices.rates("a/y") is None
    assert prices.cost("a/y", usage(10, 10)) is None
    assert prices.cost("", usage(10, 10)) is None


def test_cost_counts_input_and_output() -> None:
    assert Prices({"a/x": [2, 10]}).cost("a/x", usage(1_000_000, 500_000)) == 7.0


def test_cached_tokens_have_their_own_price() -> None:
    assert Prices({"a/x": [2, 10, 0.5]}).cost("a/x", usage(1_000_000, 0, cached=400_000)) == pytest.approx(1.4)
    assert Prices({"a/x": [2, 10]}).cost("a/x", usage(1_000_000, 0, cached=400_000)) == 2.0


def test_more_cached_than_prompt_is_bounded() -> None:
    assert Prices({"a/x": [2, 10, 1]}).cost("a/x", usage(1_000_000, 0, cached=9_000_000)) == 1.0


def test_long_prompt_costs_more_as_a_whole() -> None:
    prices = Prices({"a/x": [2, 10, 1, 200, 4, 20, 2, 500, 8, 40, 4]})
    cost = [prices.cost("a/x", usage(length, 0)) for length in (200, 201, 501)]
    assert cost == pytest.approx([200 * 2e-6, 201 * 4e-6, 501 * 8e-6])


@pytest.mark.parametrize("suffix", [":free", ":nitro", ":online", ":batch"])
def test_suffix_is_stripped_unless_listed(suffix: str) -> None:
    assert Prices({"a/x": [2, 10]}).rates(f"a/x{suffix}") == Rates(input=2, output=10, cached=2)
    assert Prices({"a/x": [2, 10], f"a/x{suffix}": [0, 0]}).cost(f"a/x{suffix}", usage(10, 10)) == 0


def test_preview_and_bare_names_are_found() -> None:
    prices = Prices({"google/g-preview": [1, 2], "openai/o": [3, 4]})
    assert prices.rates("google/g") == Rates(input=1, output=2, cached=1)
    assert prices.rates("o") == Rates(input=3, output=4, cached=3)


def test_table_is_dated() -> None:
    assert Prices.shipped().date >= "2026-11-22"
    assert Prices.shipped() is Prices.shipped()


def test_own_file_goes_over_the_table(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({"date": "2030-01-01", "models": {"my/model": [1, 2], "openai/gpt-5.5": [0, 0]}}))
    prices = Prices.from_file(file)
    assert prices.date == "2030-01-01"
    assert prices.cost("my/model", usage(1_000_000, 0)) == 1
    assert prices.cost("openai/gpt-5.5", usage(10, 10)) == 0
    assert prices.rates("moonshotai/kimi-k2.6") == Prices.shipped().rates("moonshotai/kimi-k2.6")


@pytest.mark.parametrize("entry", [[], [1], [1, -2], ["1", 2], [True, 2], [1, 2, 3, 4], {"input": 1}, None, [1e999, 2]])
def test_wrong_price_names_file_and_model(tmp_path: Path, entry: object) -> None:
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({"models": {"my/model": entry}}))
    with pytest.raises(UsageError, match=r"prices\.json: my/model") as caught:
        Prices.from_file(file)
    assert "million" in caught.value.hint


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"models": []}', "\x00"])
def test_file_without_prices_is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "prices.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"prices\.json"):
        Prices.from_file(file)


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file or directory"):
        Prices.from_file(tmp_path / "none.json")


def test_broken_table_is_not_a_price() -> None:
    with pytest.raises(ValueError, match="not a price"):
        Prices({"a/x": [1]}).rates("a/x")


def test_run_time_needs_no_price_library() -> None:
    program = "import sys; from fusion_graph.engine.pricing import Prices; Prices.shipped().rates('a/x'); "
    program += "sys.exit('genai_prices' in sys.modules or 'pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
