"""graph/drawing/folding: a group as one box."""

from __future__ import annotations

from fusion_graph.graph.drawing.diagram import Arrow, Ending, Picture, picture
from fusion_graph.graph.drawing.folding import fold, fold_wide, member_lines
from tests.graph.shapes import RESEARCH, bound, graph


def test_folded_groups_keep_their_arrows() -> None:
    folded = fold(picture(bound(RESEARCH)))
    assert [b.id for b in folded.boxes] == ["panel", "second", "verdict", "answer", "polish", "final"]
    assert folded.clusters == ()
    assert Arrow("panel", "second") in folded.arrows
    assert all(a.source != a.target for a in folded.arrows)


def test_folded_box_lists_its_members() -> None:
    panel, second = fold(picture(bound(RESEARCH))).boxes[:2]
    assert member_lines(panel, 9) == ["a/x", "b/y", "c/z"]
    assert second.notes == ("when params.more > 0",)


def test_equal_members_are_counted() -> None:
    made = graph("""
        panel: {kind: layer, models: [m/a, m/a, {model: m/b, key: bob}], samples: 2}
        final: {kind: synth, model: m/s, inputs: [panel]}
    """)
    panel = fold(picture(made)).boxes[0]
    assert member_lines(panel, 9) == ["m/a x4", "m/b x2"]


def test_keys_that_tell_more_are_shown() -> None:
    made = graph("""
        panel: {kind: layer, models: [{model: m/a, key: ann}, m/b, m/b]}
        final: {kind: synth, model: m/s, inputs: [panel]}
    """)
    assert member_lines(fold(picture(made)).boxes[0], 9) == ["ann: m/a", "m/b x2"]


def test_long_list_is_cut() -> None:
    models = ", ".join(f"m/a{i}" for i in range(40))
    panel = fold(picture(graph(f"""
        panel: {{kind: layer, models: [{models}]}}
        final: {{kind: synth, model: m/s, inputs: [panel]}}
    """))).boxes[0]  # fmt: skip
    assert member_lines(panel, 3) == ["m/a0", "m/a1", "and 38 more"]


def test_failed_members_are_never_cut() -> None:
    states = {f"panel/{key}": Ending("ok", "", 1.0) for key in "xyz"} | {"panel/z": Ending("failed", "auth_failed")}
    panel = fold(picture(bound(RESEARCH), states)).boxes[0]
    assert member_lines(panel, 2) == ["z, failed: auth_failed", "and 2 more"]


def test_reader_of_one_member_says_so() -> None:
    made = graph("""
        panel: {kind: layer, models: [m/a, m/b]}
        review: {kind: judge, mode: score, model: m/j, inputs: [panel/a, panel/b?]}
        final: {kind: fallback, inputs: [panel, review]}
    """)
    folded = fold(picture(made))
    assert folded.boxes[1].notes == ("reads panel/a, panel/b?",)
    assert [a for a in folded.arrows if a.target == "review"] == [Arrow("panel", "review", "solid")]


def test_only_wide_groups_fold_in_drawings() -> None:
    def frames(samples: int) -> Picture:
        return fold_wide(picture(graph(f"""
            votes: {{kind: sample, model: m/a, samples: {samples}}}
            final: {{kind: fallback, inputs: [votes]}}
        """)))  # fmt: skip

    assert len(frames(8).clusters) == 1
    assert len(frames(9).clusters) == 0
