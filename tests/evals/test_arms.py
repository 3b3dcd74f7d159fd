"""Arms: who is compared with whom, under which name and key."""

from __future__ import annotations

from fusion_graph.evals.arms import Arm, ab, baseline, called, models_of, named_apart, samples_for, solos
from tests.evals.desk import PANEL, VOTE, bound, load

PANEL_FORM = {"name": "p", "panel": ["a/x", "b/y"], "judge": "c/z", "synthesizer": "c/z"}


def names(arms: list[Arm]) -> list[str]:
    return [arm.name for arm in arms]


def test_ab_is_the_seeds_table() -> None:
    found = ab(load(PANEL_FORM), {}, bound)
    assert names(found) == ["a/x (solo)", "b/y (solo)", "panel", "panel+refine"]
    assert [arm.role for arm in found] == ["solo", "solo", "shape", "shape"]
    assert len({arm.key for arm in found}) == 4


def test_ab_of_a_graph_is_its_panelists_and_itself() -> None:
    assert names(ab(load(PANEL), {}, bound)) == ["a/x (solo)", "b/y (solo)", "panel"]


def test_a_solo_is_the_panels_own_node() -> None:
    (solo, _) = solos(load(PANEL_FORM), {}, bound)
    assert solo.bound.nodes[solo.bound.output].id == "panel/x"
    assert called(solo) == ("a/x",)


def test_samples_are_one_solo_layers_and_repeats_too() -> None:
    deep = PANEL_FORM | {"layers": 2, "samples": 3}
    assert names(solos(load(deep), {}, bound)) == ["a/x (solo)", "b/y (solo)"]
    twice = PANEL_FORM | {"panel": ["a/x", "a/x"], "diversity": False}
    assert names(ab(load(twice), {}, bound))[:2] == ["a/x (solo)", "a/x (solo) #2"]


def test_models_are_those_that_may_be_called() -> None:
    found = ab(load(PANEL), {}, bound)
    assert models_of(found) == {
        "a/x": ("a/x (solo)", "panel"),
        "b/y": ("b/y (solo)", "panel"),
        "c/z": ("panel",),
    }


def test_names_are_kept_apart() -> None:
    arms = [Arm(name=name, bound=bound(load(VOTE), {})) for name in ("v", "v", "w", "v")]
    assert names(named_apart(arms)) == ["v", "v #2", "w", "v #3"]


def test_baseline_costs_about_as_much() -> None:
    assert samples_for(5.0, 1.0, exact=True) == 5
    assert samples_for(5.0, 1.0, exact=False) == 4
    assert samples_for(5.0, 0.0, exact=True) == 2
    (solo, _) = solos(load(PANEL_FORM), {}, bound)
    vote, fused = (baseline(solo, 5, load, bound, exact=exact) for exact in (True, False))
    assert (vote.name, fused.name) == ("a/x x5 (vote)", "a/x x5 (self-fusion)")
    assert len([node for node in vote.bound.nodes if node.model]) == 5
    assert len([node for node in fused.bound.nodes if node.model]) == 6
    assert baseline(solo, 500, load, bound, exact=True).name == "a/x x32 (vote)"
