"""What a value is that a request makes some of: frozen to the type checker, and compared and hashed by its fields. At
run time nothing guards it, as that would cost several times as much as to make it. What every call makes (`Call`,
`Draft`, `Outcome`, ...) has `Final` fields instead and writes its `__init__` out, so that a compiler sees it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def frozen(of: type[T]) -> type[T]:
    """Decorate the class of such values, as `dataclass(frozen=True, slots=True)` does for all others."""
    return dataclass(slots=True, unsafe_hash=True)(of)


def by_name(of: Any) -> dict[str, Any]:
    """The fields of such a value by name, as they are: nothing is copied."""
    return {one.name: getattr(of, one.name) for one in fields(of)}
