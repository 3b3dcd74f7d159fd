"""graph/drawing/mermaid: flowchart text."""

from __future__ import annotations

from fusion_graph.graph.drawing.diagram import Arrow, Box, Ending, Picture, picture
from fusion_graph.graph.drawing.mermaid import to_mermaid
from tests.graph.shapes import RESEARCH, bound, graph


def test_flowchart_of_a_small_graph() -> None:
    made = graph("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b, inputs: [a?]}
        final: {kind: fallback, inputs: [b, a]}
    """)
    lines = to_mermaid(picture(made)).splitlines()
    assert lines[:7] == [
        "flowchart TD",
        '  n0["<b>a</b><br/>proposer<br/>m/a"]',
        '  n1["<b>b</b><br/>proposer<br/>m/b"]',
        '  n2(["<b>final</b><br/>fallback, output"])',
        "  n0 -.-> n1",
        '  n1 -->|"1"| n2',
        '  n0 -->|"2"| n2',
    ]
    assert lines[-1] == "  class n2 choice"


def test_groups_are_subgraphs() -> None:
    made = graph("""
        panel: {kind: layer, models: [m/a, m/b], samples: 2}
        final: {kind: synth, model: m/s, inputs: [panel]}
    """)
    text = to_mermaid(picture(made))
    assert '  subgraph g2["panel"]\n    subgraph g0["panel/a"]\n      n0[' in text
    assert text.count("subgraph") == text.count("\n  end") + text.count("\n    end")


def test_order_is_dotted_by_style() -> None:
    made = graph("""
        a: {kind: proposer, model: m/a}
        final: {kind: proposer, model: m/b, after: [a]}
    """)
    assert "  linkStyle 0 stroke-dasharray:1 4" in to_mermaid(picture(made))


def test_states_are_words_and_classes() -> None:
    text = to_mermaid(picture(bound(RESEARCH), {"answer": Ending("failed", "timeout", 9.0)}))
    assert "failed: timeout, 9.0 s" in text
    assert "classDef failed fill:" in text


def test_hostile_text_is_only_text() -> None:
    nasty = 'a"] --> evil["<script>`#35;`\\'
    box = Box(id="a", title=nasty, kind="k", role="draft")
    text = to_mermaid(Picture(name="x", boxes=(box,), arrows=(Arrow("a", "a", "solid", nasty),)))
    assert "<script" not in text
    assert "evil[" not in text
    assert 'n0["<b>a#34;#93; --#62; evil#91;#34;#60;script#62;' in text
