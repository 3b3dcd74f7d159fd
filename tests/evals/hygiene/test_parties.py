"""A judge that is a party: itself in the panel, or its vendor."""

from __future__ import annotations

from fusion_graph.evals.hygiene.parties import vendor, warnings


def test_the_judge_itself_and_its_vendor() -> None:
    models = {"google/gemini:nitro@other": ["panel"], "google/flash": ["a", "b", "c", "d"], "openai/gpt": ["panel"]}
    own, kin = warnings("google/gemini", models)
    assert "is graded itself, in panel" in own
    assert "same vendor as google/flash, in a, b, c and others" in kin


def test_bare_names_have_no_vendor() -> None:
    assert vendor("qwen3:8b") == ""
    assert warnings("qwen3:8b@ollama", {"llama4@ollama": ["panel"]}) == []
