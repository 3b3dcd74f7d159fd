"""Judging a `when`: a closed grammar over settled outcomes and parameters. Data, no expressions. Pure."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from fusion_graph.outputs import Outcome
from fusion_graph.pipeline import AnyOf, Comparison, Condition, FieldRef, Param

OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "above": operator.gt,
    "below": operator.lt,
    "at_least": operator.ge,
    "at_most": operator.le,
    "equals": operator.eq,
    "not_equals": operator.ne,
}

_NOTHING = object()


def holds(condition: Condition, outcome_of: Callable[[str], Outcome | None], params: Mapping[str, Any]) -> bool:
    """True when every entry holds. An entry about a node without a value is false, whatever it asks (semantics 1)."""
    for test in condition.tests:
        if isinstance(test, AnyOf):
            if not any(holds(c, outcome_of, params) for c in test.conditions):
                return False
        elif not _compare(test, outcome_of, params):
            return False
    return True


def _compare(test: Comparison, outcome_of: Callable[[str], Outcome | None], params: Mapping[str, Any]) -> bool:
    found = _read(test.subject, outcome_of, params)
    if found is _NOTHING:
        return False
    operand = params[test.operand.name] if isinstance(test.operand, Param) else test.operand
    if isinstance(found, tuple | list):
        found = len(found)
    try:
        return bool(OPERATORS[test.operator](found, operand))
    except TypeError:  # a text compared with a number: never true
        return False


def _read(subject: FieldRef | Param, outcome_of: Callable[[str], Outcome | None], params: Mapping[str, Any]) -> Any:
    if isinstance(subject, Param):
        return params[subject.name]
    outcome = outcome_of(subject.node)
    return _NOTHING if outcome is None or outcome.value is None else getattr(outcome.value, subject.field, _NOTHING)
