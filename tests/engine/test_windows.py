from __future__ import annotations

from fusion_graph.engine.windows import shipped_window


def test_a_window_is_found_as_a_price_is() -> None:
    assert shipped_window("anthropic/claude-opus-4.8") == 1_000_000
    assert shipped_window("anthropic/claude-opus-4.8:nitro") == 1_000_000
    assert shipped_window("nobody/knows-this") is None


def test_every_window_is_a_number_of_tokens() -> None:
    from fusion_graph.engine import windows

    table = windows._shipped()
    assert len(table) > 100
    assert all(type(length) is int and length > 1000 for length in table.values()), table
