"""Prompt templates: `{{name}}` is replaced once, in one pass, and nothing else is special. Not a template language.

Names are `question`, `drafts`, `analysis`, `params.<name>` and `input.<node id>`; which of them exist is for others to
say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_NAME = re.compile(r"\{\{\s*([^\s{}]+)\s*\}\}")


@lru_cache(maxsize=512)
def _split(text: str) -> tuple[str, ...]:
    """Plain text and names by turns, plain text first and last."""
    return tuple(_NAME.split(text))


@lru_cache(maxsize=512)
def names(text: str) -> tuple[str, ...]:
    """The names in a template, each once, in order."""
    return tuple(dict.fromkeys(_split(text)[1::2]))


def slots(text: str) -> int:
    """How many places there are to fill in."""
    return len(_split(text)) // 2


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with each name replaced. Values are never looked at again; a name without a value stays as it stands."""
    parts = _split(text)
    if len(parts) == 1:
        return text
    filled = list(parts)
    for i in range(1, len(parts), 2):
        value = values.get(parts[i])
        filled[i] = "{{" + parts[i] + "}}" if value is None else value
    return "".join(filled)
