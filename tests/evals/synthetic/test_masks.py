"""Masks: seeded, as often right as they say, and right or wrong together where they should be."""

from __future__ import annotations

from fusion_graph.evals.report.statistics import wilson
from fusion_graph.evals.synthetic.masks import Mask
from fusion_graph.messages import Call, Message, Sampling

ITEMS = range(2000)


def test_a_mask_is_the_same_again_and_another_with_another_seed() -> None:
    one, two = ([Mask(seed=seed).says("m/a", item) for item in ITEMS] for seed in (0, 0))
    other = [Mask(seed=1).says("m/a", item) for item in ITEMS]
    assert one == two != other


def test_right_as_often_as_it_knows() -> None:
    for mask in (Mask(knowledge=0.7), Mask(knowledge=0.7, correlation=0.5)):
        assert 0.7 in wilson(sum(mask.is_right("m/a", item) for item in ITEMS), len(ITEMS))
    assert not any(Mask(colluders=frozenset({"m/a"})).is_right("m/a", item) for item in ITEMS)


def test_correlated_models_agree_more() -> None:
    def alike(mask: Mask) -> float:
        return sum(mask.is_right("m/a", i) == mask.is_right("m/b", i) for i in ITEMS) / len(ITEMS)

    apart, half, together = (alike(Mask(correlation=c)) for c in (0.0, 0.5, 1.0))
    assert apart < half < together == 1.0


def test_draws_are_drawn_anew() -> None:
    mask = Mask()
    assert len({mask.is_right("m/a", 7, (0, n, 0, 0)) for n in range(20)}) == 2


def test_models_read_the_item_and_tasks_know_the_truth() -> None:
    mask = Mask(knowledge=1.0)
    for task in mask.tasks(5).tasks:
        call = Call("m/a", (Message("user", task.prompt),), Sampling())
        assert mask.reply(call).endswith(f"Answer: {task.answer}")
    assert mask.reply(Call("m/a", (Message("user", "hello"),), Sampling())).endswith("unknown")
