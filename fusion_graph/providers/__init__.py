"""The table of providers, by name. A provider's module is imported when it is first asked for: the table costs nothing.

A new provider is one file here that exports one `PROVIDER`, and one name in `_NAMES`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from fusion_graph.contracts import Provider

_NAMES = ("openai", "local", "sim")


class _Table(Mapping[str, Provider]):
    """Name to provider; each entry is its module's PROVIDER."""

    def __getitem__(self, name: str) -> Provider:
        if name not in _NAMES:
            raise KeyError(name)
        provider: Provider = import_module(f"{__name__}.{name}").PROVIDER
        return provider

    def __contains__(self, name: object) -> bool:
        return name in _NAMES

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


PROVIDERS: Mapping[str, Provider] = _Table()
