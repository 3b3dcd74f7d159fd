"""What a value is that a request makes some of: frozen to the type checker, and compared and hashed by its fields. At
run time nothing guards it, as that would cost several times as much as to make it. What every call makes (`Call`,
`Draft`, `Outcome`, ...) has `Final` fields instead and writes its `__init__` out, so that a compiler sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

__all__ = ["by_name", "frozen", "mypyc_attr"]

T = TypeVar("T")

if TYPE_CHECKING:
    from mypy_extensions import mypyc_attr
else:

    def mypyc_attr(**_words: bool) -> Callable[[type[T]], type[T]]:
        """What is said to the compiler of the core, and nothing to Python. `acyclic`: no such value can be reached from
        itself, so the garbage collector need not go through them. Where that is wrong, memory leaks."""
        return lambda of: of


@dataclass_transform(frozen_default=True)
def frozen(of: type[T]) -> type[T]:
    """Decorate the class of such values, as `dataclass(frozen=True, slots=True)` does for all others."""
    return dataclass(slots=True, unsafe_hash=True)(of)


def by_name(of: Any) -> dict[str, Any]:
    """The fields of such a value by name, as they are: nothing is copied."""
    return {one.name: getattr(of, one.name) for one in fields(of)}
