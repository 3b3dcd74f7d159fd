"""Reserve, settle, hold: arithmetic by hand (semantics 4)."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.engine.ledger import Amount, Ledger
from fusion_graph.pipeline import Limits

ONE = Amount(1.0, 1, 100)


def ledger(hold: Amount | None = None, **limits: Any) -> Ledger:
    return Ledger(Limits(**limits), hold or Amount())


@pytest.mark.parametrize(
    ("limits", "needed"),
    [
        (Limits(), False),
        (Limits(deadline_s=3, max_concurrency=2), False),
        (Limits(budget_usd=0.0), True),
        (Limits(max_calls=1), True),
        (Limits(max_tokens=1), True),
    ],
)
def test_ledger_is_needed_under_a_limit_only(limits: Limits, needed: bool) -> None:
    assert Ledger.needed(limits) is needed


@pytest.mark.parametrize("limits", [{"budget_usd": 2.5}, {"max_calls": 2}, {"max_tokens": 250}])
def test_reservations_add_up_to_the_limit(limits: dict[str, Any]) -> None:
    book = ledger(**limits)
    assert book.reserve(ONE, writer=False) == ONE
    assert book.reserve(ONE, writer=False) == ONE
    assert book.reserve(ONE, writer=False) is None


def test_settling_frees_what_was_not_used() -> None:
    # semantics 4: settles before the next attempt reserves
    book = ledger(budget_usd=1.5)
    first = book.reserve(ONE, writer=False)
    assert first is not None
    book.settle(first, 0.25, 10)
    assert book.spent == Amount(0.25, 1, 10)
    assert book.reserved == Amount(0.0, 0, 0)
    assert book.reserve(ONE, writer=False) is not None


def test_unknown_price_settles_at_what_was_reserved() -> None:
    book = ledger(budget_usd=3)
    first = book.reserve(ONE, writer=False)
    assert first is not None
    book.settle(first, None, 10)
    assert book.spent.usd == 1.0


def test_hold_is_kept_from_others() -> None:
    # semantics 4: the worst case of one writer call and one of `max_calls` are held back from the start
    book = ledger(Amount(1.0, 1, 100), max_calls=2)
    assert book.reserve(ONE, writer=False) is not None
    assert book.reserve(ONE, writer=False) is None
    assert book.reserve(ONE, writer=True) is not None
    assert book.hold is None


def test_hold_is_taken_once() -> None:
    book = ledger(ONE, max_calls=3)
    assert book.reserve(ONE, writer=True) is not None
    assert book.reserve(ONE, writer=False) is not None
    assert book.reserve(ONE, writer=False) is not None
    assert book.reserve(ONE, writer=True) is None


def test_refused_writer_leaves_the_hold() -> None:
    book = ledger(ONE, max_tokens=100)
    assert book.reserve(Amount(0.0, 1, 101), writer=True) is None
    assert book.hold == ONE


def test_after_a_stop_only_the_hold_is_there() -> None:
    # semantics 4: only the held writer call may start
    book = ledger(ONE, max_calls=9)
    book.stopped = True
    assert book.reserve(ONE, writer=False) is None
    assert book.reserve(ONE, writer=True) is not None
    assert book.reserve(ONE, writer=True) is None


def test_hold_of_n_texts_is_taken_call_by_call() -> None:
    # semantics 3 and 4: n calls of the live writer, held back from the start
    book = ledger(Amount(2.0, 2, 200), max_calls=3)
    book.stopped = True
    assert book.reserve(ONE, writer=True) is not None
    assert book.hold == ONE
    assert book.reserve(ONE, writer=True) is not None
    assert book.reserve(ONE, writer=True) is None


def test_calls_of_free_models_count_too() -> None:
    book = ledger(max_calls=1)
    assert book.reserve(Amount(0.0, 1, 5), writer=False) is not None
    assert book.reserve(Amount(0.0, 1, 5), writer=False) is None
