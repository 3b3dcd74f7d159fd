"""A table whose entries are modules' constants, each imported when it is first asked for: the table costs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TypeVar

T = TypeVar("T")


class LazyTable(Mapping[str, T]):
    """Name to the constant of the module of that name in a package."""

    def __init__(self, package: str, constant: str, names: tuple[str, ...]) -> None:
        self._package = package
        self._constant = constant
        self._names = names

    def __getitem__(self, name: str) -> T:
        if name not in self._names:
            raise KeyError(name)
        entry: T = getattr(import_module(f"{self._package}.{name}"), self._constant)
        return entry

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
