"""One run's shared state: labels, seeds, the fence, closing."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.engine.request import RunRequest, ask
from fusion_graph.engine.run import Run, idle, label, ranks
from fusion_graph.messages import Message
from tests.engine.stage import Stage
from tests.graph.walk import bound_of

PANEL = "p: {kind: layer, models: [m/a, m/b, m/c, m/d, m/e]}\nw: {kind: synth, model: m/w, inputs: [p]}"
BOUND = bound_of(PANEL)


def run(request: RunRequest | None = None, **top: Any) -> Run:
    bound = bound_of(PANEL, **top) if top else BOUND
    return Run(Stage().fusion.services, bound, request or ask("Why?"), None)


def test_labels_go_on_after_z() -> None:
    assert [label(place) for place in (0, 1, 25, 26, 27, 51, 52, 701, 702)] == [
        "A", "B", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA",
    ]  # fmt: skip


def test_ranks_are_a_permutation_of_all_writers() -> None:
    # semantics 2: one run-wide permutation of all draft-writing nodes of the plan
    ranks = run().ranks()
    assert sorted(ranks) == ["p/a", "p/b", "p/c", "p/d", "p/e", "w"]
    assert sorted(ranks.values()) == list(range(6))


@pytest.mark.parametrize("members", [1, 14, 15, 16, 31, 200])
def test_every_writer_has_a_place_of_its_own_however_many_there_are(members: int) -> None:
    """The keys come in blocks of sixteen."""
    nodes = f"p: {{kind: sample, model: m/a, samples: {members}}}\nw: {{kind: synth, model: m/w, inputs: [p]}}"
    bound = bound_of(nodes)
    places = ranks(bound, 7, ask("Why?").messages)
    assert sorted(places) == sorted(["w", *(f"p/{n + 1}" for n in range(members))])
    assert sorted(places.values()) == list(range(members + 1))


def test_ranks_depend_on_seed_and_conversation_only() -> None:
    # semantics 2: seeded by (seed, digest of the conversation)
    assert run().ranks() == run().ranks()
    assert len({tuple(run(ask("Why?", seed=n)).ranks().items()) for n in range(9)}) > 3
    assert len({tuple(run(ask(f"Why {n}?")).ranks().items()) for n in range(9)}) > 3


def test_seed_of_the_request_goes_first() -> None:
    assert run().seed == 0
    assert run(seed=4).seed == 4
    assert run(ask("Why?", seed=5), seed=4).seed == 5
    assert run(ask("Why?", seed=0), seed=4).seed == 0


def test_random_is_seeded_by_its_purpose() -> None:
    assert run().random("a").random() == run().random("a").random()
    assert run().random("a").random() != run().random("b").random()


def test_digest_tells_conversations_apart() -> None:
    def digest(*messages: Message) -> str:
        return run(RunRequest(messages=messages)).digest()

    parts: tuple[dict[str, str], ...] = ({"type": "text", "text": "x"},)
    found = {
        digest(Message("user", "x")),
        digest(Message("assistant", "x")),
        digest(Message("user", "x"), Message("user", "")),
        digest(Message("user", "\ud800")),
        digest(Message("user", parts)),
    }
    assert len(found) == 5


def test_fence_is_new_in_every_run() -> None:
    assert run().fence != run().fence
    assert len(run().fence) >= 12


def test_run_id_may_be_given() -> None:
    assert run(RunRequest(messages=(), run_id="mine")).run_id == "mine"
    assert run().run_id != run().run_id


def test_close_happens_once() -> None:
    # semantics 4: the plan closes once; a budget stop does not use up the reserve
    state = run()
    state.progress.begin()
    woken: list[int] = []
    state.wake = lambda: woken.append(1)
    for reason in ("budget", "budget", "deadline", "budget", "deadline"):
        state.close(reason)
    assert state.progress.closed == "deadline"
    assert len(woken) == 2
    assert state.troubled


def test_idle_does_nothing() -> None:
    idle()
