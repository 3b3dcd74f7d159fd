"""graph/drawing/diagram: boxes, arrows and frames of a bound pipeline."""

from __future__ import annotations

from fusion_graph.graph.drawing.diagram import Arrow, Box, Cluster, Ending, picture
from tests.graph.shapes import RESEARCH, VOTES, bound, graph


def boxes(text: str) -> dict[str, Box]:
    return {box.id: box for box in picture(bound(text)).boxes}


def arrows(text: str) -> dict[tuple[str, str], Arrow]:
    return {(a.source, a.target): a for a in picture(bound(text)).arrows}


def test_roles_come_from_the_contract() -> None:
    found = boxes(RESEARCH)
    wanted = {"panel": "group", "panel/x": "draft", "verdict": "judge", "answer": "writer", "polish": "refine"}
    assert {name: found[name].role for name in wanted} == wanted
    assert found["final"].role == "choice"
    assert boxes(VOTES)["vote"].role == "judge"


def test_box_says_kind_and_model() -> None:
    found = boxes(RESEARCH)
    assert (found["panel/x"].title, found["panel/x"].model) == ("x", "a/x")
    assert (found["panel"].kind, found["verdict"].kind) == ("layer x3", "judge: analysis")
    assert found["panel"].notes == ("quorum 2 of 3, grace 8 s",)
    assert found["polish"].notes == ("when verdict.contradictions > 0",)
    assert found["answer"].tooltip == 'Writes <it> & "more".'
    assert [box.id for box in found.values() if box.output] == ["final"]


def test_what_parameters_rule_out_is_off() -> None:
    found = {box.id: box for box in picture(bound(RESEARCH, more=0)).boxes}
    assert {name for name, box in found.items() if box.off} == {"second/x", "second/w", "second"}
    assert found["second"].notes == ("off with these parameters",)


def test_alternates_are_noted() -> None:
    made = graph("final: {kind: proposer, model: m/a, alternates: [m/b, m/c@two]}")
    assert picture(made).boxes[0].notes == ("else m/b, m/c@two",)


def test_edges_show_their_tolerance() -> None:
    # semantics 1: tolerance sits on the edge
    found = arrows(RESEARCH)
    assert found["panel", "verdict"].style == "solid"
    assert found["second", "verdict"].style == "dashed"
    assert found["verdict", "polish"] == Arrow("verdict", "polish", "dashed", "when contradictions")


def test_options_are_numbered() -> None:
    found = arrows(RESEARCH)
    assert [found[name, "final"].label for name in ("polish", "answer", "panel")] == ["1", "2", "3"]


def test_scores_are_no_option() -> None:
    made = graph("""
        tries: {kind: sample, model: m/a, samples: 2}
        score: {kind: judge, mode: score, model: m/j, inputs: [tries]}
        final: {kind: fallback, inputs: [score, tries]}
    """)
    labels = {a.source: a.label for a in picture(made).arrows if a.target == "final"}
    assert labels == {"score": "", "tries": "1"}


def test_order_without_data_is_dotted() -> None:
    # semantics 1: `when` and `after` are edges: they count for diagrams
    made = graph("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b}
        c:
          kind: proposer
          model: m/c
          after: [b]
          when: {any: [{a.chars: {above: 9}}, {a.truncated: {equals: true}}]}
    """, "c")  # fmt: skip
    assert picture(made).arrows == (
        Arrow("a", "c", "dotted", "when chars, truncated"),
        Arrow("b", "c", "dotted", "after"),
    )


def test_groups_are_framed() -> None:
    made = graph("""
        panel: {kind: layer, models: [m/a, m/b], samples: 2, repeat: 2}
        final: {kind: synth, model: m/s, inputs: [panel]}
    """)
    frames = picture(made).clusters
    assert Cluster("panel/l1") in frames
    assert Cluster("panel/a", "panel") in frames
    assert {b.id for b in picture(made).boxes if b.cluster == "panel/a"} == {"panel/a/1", "panel/a/2", "panel/a"}


def test_members_of_their_own_stay_outside() -> None:
    made = graph("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b}
        group: {kind: layer, members: [a, b]}
        final: {kind: synth, model: m/s, inputs: [group]}
    """)
    assert picture(made).clusters == ()


def test_run_states_reach_the_boxes() -> None:
    states = {"polish": ("skipped", "when", None, None), "answer": Ending("ok", "", 2.0, 0.01)}
    found = {b.id: b.ending for b in picture(bound(RESEARCH), states).boxes}
    assert found["polish"] == Ending("skipped", "when")
    assert found["answer"] == Ending("ok", "", 2.0, 0.01)
    assert found["final"] is None
