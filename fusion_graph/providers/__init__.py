"""The table of providers, by name. A provider's module is imported when it is first asked for: the table costs nothing.

A new provider is one file here that exports one `PROVIDER`, and one name in `_NAMES`.
"""

from __future__ import annotations

from collections.abc import Mapping

from fusion_graph.contracts import Provider
from fusion_graph.tables import LazyTable

_NAMES = ("openai", "local", "sim")

PROVIDERS: Mapping[str, Provider] = LazyTable(__name__, "PROVIDER", _NAMES)
