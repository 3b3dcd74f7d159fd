"""Reading fields of a request: each function returns the value as its type or refuses it with the exact path. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from fusion_graph.server._errors import invalid

CHOICES = 8  # of one request, unless the operator says otherwise
MAX_TOKENS = 10_000_000
MAX_NAMED = 32  # of ignored fields, each cut to this many characters
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


def given(body: Mapping[str, Any], name: str, default: Any) -> Any:
    """null is as good as nothing."""
    value = body.get(name)
    return default if value is None else value


def optional(body: Mapping[str, Any], name: str, read: Any, *bounds: Any) -> Any:
    """A field at the top of a body, read if it is there."""
    value = body.get(name)
    return None if value is None else read(value, name, *bounds)


def unread(body: Mapping[str, Any], known: frozenset[str]) -> list[str]:
    """The names of all other fields that say something."""
    return [name[:64] for name, value in body.items() if name not in known and value is not None][:MAX_NAMED]


def text(value: Any, path: str, *, most: int = 1 << 25, least: int = 0) -> str:
    if not isinstance(value, str):
        raise invalid(f"{path} must be a string", path)
    if not least <= len(value) <= most:
        raise invalid(f"{path} must have {least} to {most} characters", path)
    return value


def number(value: Any, path: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise invalid(f"{path} must be a number", path)
    if not low <= value <= high:
        raise invalid(f"{path} must be between {low:g} and {high:g}", path)
    return float(value)


def integer(value: Any, path: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(f"{path} must be an integer", path)
    if not low <= value <= high:
        raise invalid(f"{path} must be between {low} and {high}", path)
    return value


def boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise invalid(f"{path} must be true or false", path)
    return value


def mapping(value: Any, path: str, *, most: int = 1024) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise invalid(f"{path} must be an object", path)
    if len(value) > most:
        raise invalid(f"{path} has more than {most} keys", path)
    return value


def array(value: Any, path: str, *, least: int = 0, most: int) -> Sequence[Any]:
    if not isinstance(value, list):
        raise invalid(f"{path} must be an array", path)
    if not least <= len(value) <= most:
        raise invalid(f"{path} must have {least} to {most} entries", path)
    return value


def json_text(value: Any, path: str) -> str:
    """As JSON. Numbers beyond all bounds came in as infinity, which is none."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise invalid(f"{path} hold a number that is too large", path) from None


def choice(value: Any, path: str, known: Collection[str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise invalid(f"{path} must be one of: {', '.join(known)}", path)
    return value
