"""A property that is worked out when it is first asked for, and then is an attribute like any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class Lazy(Generic[T]):
    """As `functools.cached_property`, for values that a run reads: that one takes a lock before Python 3.12, and makes
    a dictionary of its owner's attributes, after which every one of them is slower to read. Works on frozen classes
    too; not on slotted ones."""

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self.__doc__ = work.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, owner: None, _kind: type) -> Self: ...
    @overload
    def __get__(self, owner: object, _kind: type) -> T: ...
    def __get__(self, owner: object | None, _kind: type) -> T | Self:
        if owner is None:
            return self
        value = self._work(owner)
        object.__setattr__(owner, self._name, value)  # past the guard of a frozen class
        return value
