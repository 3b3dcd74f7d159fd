"""jsonschema with an end: a check counts its steps and is given up after so many. A schema of some kilobytes and a text
to match take minutes otherwise, and everybody else in the process waits. Steps, not seconds, so that the same text is
judged the same on a busy machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

STEPS = 100_000  # some microseconds each
_COMPARED = frozenset({"enum", "const", "not", "required", "dependentRequired"})
"""Keywords whose own words are gone through, or quoted, each time."""
_BRANCHES = frozenset({"allOf", "anyOf", "oneOf", "dependentSchemas"})
"""Keywords that look at the same value as often as they have parts."""
_FRACTION = 20  # steps of `multipleOf`, which may reckon with fractions of hundreds of digits
_ERROR = 8  # steps that an error costs at each level it comes up through


class OutOfPatienceError(Exception):
    """The check was given up: it is not known whether the value fits."""


class _Patience:
    """The steps that one check has left."""

    def __init__(self) -> None:
        self._left = STEPS
        self._sizes: dict[int, int] = {}  # of what lives as long as the check, by id

    def spend(self, steps: int) -> None:
        """Raises OutOfPatienceError."""
        self._left -= steps
        if self._left < 0:
            raise OutOfPatienceError

    def look(self, keyword: str, wanted: Any, value: Any) -> None:
        """A keyword looks at a value, which may be quoted whole in an error: so its size counts."""
        cost = 1
        if isinstance(value, list | dict | str):
            quoted = self._size(value) >> 10
            cost += quoted * len(wanted) if keyword in _BRANCHES else quoted
            if not isinstance(value, str):
                cost += len(value) >> 2
        if keyword in _COMPARED:
            cost += self._size(wanted) >> 5
        elif keyword == "multipleOf":
            cost += _FRACTION
        elif keyword == "uniqueItems" and isinstance(value, list) and not _sortable(value):
            cost += len(value) * len(value) >> 2  # each is compared with each
        self.spend(cost)

    def _size(self, value: Any) -> int:
        if isinstance(value, str):
            return len(value)
        size = self._sizes.get(id(value))
        if size is None:
            inner: tuple[Any, ...] = ()
            if isinstance(value, dict):
                inner = (*value, *value.values())
            elif isinstance(value, list):
                inner = tuple(value)
            size = self._sizes[id(value)] = 8 + sum(map(self._size, inner))
        return size


_patience: ContextVar[_Patience] = ContextVar("patience")


def errors(validator: Draft202012Validator, value: Any) -> list[ValidationError]:
    """What is wrong with the value, in order of its places, as far as it is found in time. Raises OutOfPatienceError
    if nothing was. The validator is of the type `patient`."""
    found: list[ValidationError] = []
    token = _patience.set(_Patience())
    try:
        found.extend(validator.iter_errors(value))
    except OutOfPatienceError:
        if not found:
            raise
    finally:
        _patience.reset(token)
    return sorted(found, key=lambda error: error.json_path)


@cache
def patient() -> type[Draft202012Validator]:
    """The validator of JSON Schema whose every keyword counts."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    counted: Mapping[str, Any] = {name: _counting(name, rule) for name, rule in Draft202012Validator.VALIDATORS.items()}
    kind: type[Draft202012Validator] = extend(Draft202012Validator, counted)  # type: ignore[no-untyped-call]
    return kind


def _counting(name: str, rule: Callable[..., Iterator[ValidationError] | None]) -> Callable[..., Any]:
    def counting(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
        patience = _patience.get()
        patience.look(name, wanted, value)
        for error in rule(validator, wanted, value, schema) or ():
            patience.spend(_ERROR)
            yield error

    return counting


def _sortable(items: list[Any]) -> bool:
    """Texts alone and numbers alone are sorted before they are compared."""
    return all(isinstance(item, str) for item in items) or all(isinstance(item, int | float) for item in items)
