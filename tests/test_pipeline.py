"""pipeline: model references and the few rules that stand with the values."""

from __future__ import annotations

import pytest

from fusion_graph.pipeline import ModelRef, Usable


@pytest.mark.parametrize(
    ("text", "slug", "backend"),
    [
        ("openai/gpt-5.5", "openai/gpt-5.5", ""),
        ("qwen3:8b@ollama", "qwen3:8b", "ollama"),
        ("a@b@second", "a@b", "second"),
        ("claude@20250514", "claude@20250514", ""),
        ("@cf/meta/x", "@cf/meta/x", ""),
        ("model@", "model@", ""),
        ("model@Upper", "model@Upper", ""),
        ("model@back_end-2", "model", "back_end-2"),
        ("model@\u00e9t\u00e9", "model@\u00e9t\u00e9", ""),
    ],
)
def test_tail_after_the_last_at_is_a_backend(text: str, slug: str, backend: str) -> None:
    """semantics 5: only if it matches `[a-z][a-z0-9_-]*` and the `@` is not first."""
    assert ModelRef.parse(text) == (slug, backend)
    assert str(ModelRef.parse(text)) == text


def test_model_with_a_backend_reads_back() -> None:
    assert str(ModelRef("a/x", "sim")) == "a/x@sim"


@pytest.mark.parametrize(
    ("rule", "held"),
    [
        (Usable(), False),
        (Usable(complete=True), True),
        (Usable(match="x"), True),
        (Usable(schema={}), True),
    ],
)
def test_conditions_hold_a_writer_back(rule: Usable, held: bool) -> None:
    """semantics 3: held, if it has `usable.match/schema/complete`."""
    assert rule.holds_back is held
