"""What a call sends beside its model and messages."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.contracts import Ask
from fusion_graph.engine.request import RunRequest
from fusion_graph.engine.run import Run
from fusion_graph.engine.sampling import sampling_for
from fusion_graph.graph.bound import Bound
from fusion_graph.messages import Message, Purpose, Sampling
from tests.engine.stage import Stage
from tests.graph.walk import bound_of

BOUND = bound_of(
    "a: {kind: proposer, model: m/a, temperature: 0.5, seed: 3}\n"
    "w: {kind: synth, model: m/w, inputs: [a], max_tokens: 10, stop_sequences: [X]}"
)


def sent(node: int, purpose: Purpose = "final", *, ask: dict[str, Any] | None = None, **request: Any) -> Sampling:
    run = Run(Stage().fusion.services, BOUND, RunRequest(messages=(Message("user", "?"),), **request), None)
    return sampling_for(run, BOUND.nodes[node], Ask((), purpose, **(ask or {})), 0)[0]


def test_node_options_are_sent() -> None:
    assert sent(0) == Sampling(temperature=0.5, seed=3)
    assert sent(1) == Sampling(max_tokens=10, stop_sequences=("X",))


def test_what_is_not_set_is_not_sent() -> None:
    # design 2: a sampling parameter that is not set is not sent
    assert sent(1).temperature is None
    assert sent(1).top_p is None


def test_request_goes_over_the_writer() -> None:
    # semantics 3: writer-only fields go to all of W
    asked = Sampling(max_tokens=99, top_p=0.2)
    assert sent(1, writer=asked) == Sampling(max_tokens=99, top_p=0.2, stop_sequences=("X",))
    assert sent(1, "draft", writer=asked).max_tokens == 99


def test_request_passes_by_all_others() -> None:
    asked = Sampling(max_tokens=99)
    assert sent(0, writer=asked) == Sampling(temperature=0.5, seed=3)
    assert sent(1, "note", writer=asked).max_tokens == 10


def test_seed_of_the_request_reaches_every_call() -> None:
    # semantics 2: a request's `seed` sets both
    assert sent(0, seed=8).seed == 8
    assert sent(1, "note", seed=8).seed == 8


def test_ask_of_the_kind_goes_over_all() -> None:
    form = {"type": "json_object"}
    made = sent(1, ask={"max_tokens": 7, "response_format": form}, writer=Sampling(max_tokens=99))
    assert (made.max_tokens, made.response_format) == (7, form)


MEMBERS = "s: {kind: layer, models: [m/a, m/a, m/b], samples: 2, seed: 5}\nf: {kind: fallback, inputs: [s]}"
SAMPLED = bound_of(MEMBERS)


def draws(bound: Bound) -> list[tuple[int | None, tuple[int, int, int, int]]]:
    """Seed and draw of every member, for two rounds and two choices."""
    run = Run(Stage().fusion.services, bound, RunRequest(messages=()), None)
    made = [
        sampling_for(run, node, Ask((), "note", turn), choice)
        for node in bound.nodes
        if node.model
        for turn in (0, 1)
        for choice in (0, 1)
    ]
    return [(sampling.seed, draw) for sampling, draw in made]


def test_seed_differs_per_draw() -> None:
    """Model ordinal, sample, round, choice: self-fusion still draws twice, and the first draw is the seed itself."""
    found = draws(SAMPLED)
    by_draw = {draw: seed for seed, draw in found}
    assert by_draw[0, 0, 0, 0] == 5
    assert len(by_draw) == len(set(by_draw.values())) == 16
    assert all(seed is not None and 0 <= seed < 2**31 for seed in by_draw.values())
    assert found == draws(SAMPLED)


def test_draw_counts_the_same_model() -> None:
    # semantics 7: `draw` = (ordinal of the same model in its layer, sample, round, choice)
    members = {draw[:2] for _, draw in draws(SAMPLED)}
    assert members == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_no_seed_stays_none() -> None:
    unseeded = bound_of("s: {kind: sample, model: m/a, samples: 2}\nf: {kind: fallback, inputs: [s]}")
    assert {seed for seed, _ in draws(unseeded)} == {None}


def test_node_that_inherits_takes_the_style_and_nothing_else() -> None:
    # wire 1.2: proposers keep the pipeline's values unless the node says `inherit`
    asked = Sampling(
        temperature=0.1, top_p=0.2, max_tokens=9, reasoning_effort="low", stop_sequences=("END",),
        response_format={"type": "json_object"}, extra={"verbosity": "low", "logprobs": True, "user": "u"},
    )  # fmt: skip
    bound = bound_of("a: {kind: proposer, model: m/a, temperature: 0.5, inherit: true}\n"
                     "w: {kind: synth, model: m/w, inputs: [a]}")  # fmt: skip
    run = Run(Stage().fusion.services, bound, RunRequest(messages=(Message("user", "?"),), writer=asked), None)
    made = sampling_for(run, bound.nodes[0], Ask((), "draft"), 0)[0]
    assert made == Sampling(temperature=0.1, top_p=0.2, reasoning_effort="low", extra={"verbosity": "low"})
    assert sampling_for(run, bound.nodes[1], Ask((), "final"), 0)[0] == asked


@pytest.mark.parametrize("mode", ["analyze", "score", "rank", "select"])
@pytest.mark.parametrize("seed", ["", ", seed: 5"])
def test_what_a_judge_sends_first_is_known_and_is_what_would_be_put_together(mode: str, seed: str) -> None:
    bound = bound_of(
        f"p: {{kind: layer, models: [m/a, m/b]}}\nj: {{kind: judge, mode: {mode}, model: m/j, inputs: [p]{seed}}}\n"
        "w: {kind: synth, model: m/w, inputs: [p, j]}"
    )
    judge = next(node for node in bound.nodes if node.id == "j")
    run = Run(Stage().fusion.services, bound, RunRequest(messages=(Message("user", "?"),)), None)
    asked = Ask((), "note", response_format=bound.kinds[judge.index].response_format(judge.options))
    known = sampling_for(run, judge, asked, 0)
    assert known == bound.sends[judge.index]
    assert known[0] is (bound.sends[judge.index] or known)[0]
    run.unasked = False
    assert sampling_for(run, judge, asked, 0) == known
