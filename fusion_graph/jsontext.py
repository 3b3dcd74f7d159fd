"""JSON as it comes in and goes out over sockets: by orjson where it is installed (the extra `fast`), else by the
standard library, which also gets whatever orjson does not take. Both give the same, but that orjson writes UTF-8
without blanks where the other writes ASCII, and reads an integer of more than 64 bits as a float."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NoReturn

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]

_scan = json.JSONDecoder().raw_decode


def write_json(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """`default` gives what stands for a value that JSON does not have."""
    if orjson is not None:
        try:
            return orjson.dumps(value, default)
        except TypeError:  # also half a character, a long integer, a key that is no text
            pass
    return json.dumps(value, default=default).encode("ascii")


def write_ascii(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """For a stream of lines: some readers take characters beyond ASCII for the end of one."""
    data = write_json(value, default)
    return data if data.isascii() else json.dumps(value, default=default).encode("ascii")


def read_json(data: bytes, *, strict: bool = False) -> Any:
    """What `json.loads` gives; with `strict` no NaN, no infinities and no half characters, as orjson has it anyway.
    Raises ValueError or RecursionError."""
    if orjson is not None:
        try:
            return orjson.loads(data)
        except ValueError:  # also what is JSON all the same: NaN, half a character, a mark before it
            pass
    text = data.decode()
    if text[:1] == "{" and not strict:  # without the search for blanks around the value
        value, end = _scan(text)
        if end == len(text):
            return value
    value = json.loads(text, parse_constant=_refuse if strict else None)
    if strict and ("\\ud" in text or "\\uD" in text):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def rounded(value: float, parts: int) -> float:
    """To so many parts of one, a power of ten. `round` with digits gives the same by way of a text."""
    return round(value * parts) / parts


def plain(value: Any) -> Any:
    """A value of ours as JSON has it: records as maps, tuples as lists, what is not a number as null."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(item) for name, item in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    return str(value)
