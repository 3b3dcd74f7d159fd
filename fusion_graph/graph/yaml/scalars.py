"""A plain YAML scalar as a value, by the YAML 1.2 core schema: `no`, `on` and dates stay text. What readers of
different YAML versions take for different numbers is refused rather than guessed."""

from __future__ import annotations

import math
import re

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+|[-+]?0[0-9_]+|[-+]?0b[01_]+|[-+]?[0-9]{1,3}(_[0-9]{3})+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_MAX_DIGITS = 20  # more than any count or amount here; also keeps int() cheap


class Unreadable(ValueError):
    """A scalar that is not taken. `hint` says what to write."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def read_scalar(text: str, *, plain: bool) -> bool | int | float | str | None:
    """The value of a scalar; `plain` = written without quotes or block marks. Raises Unreadable."""
    text = whole(text)
    if not plain:
        return text
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if text[0] not in "-+.0123456789":
        return text
    return _number(text)


def whole(text: str) -> str:
    """The text with escaped surrogate pairs put together, as JSON writes them. Raises Unreadable for half a pair."""
    if not _SURROGATE.search(text):
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise Unreadable("half a character (a lone surrogate)", "write the character itself") from None


def _number(text: str) -> int | float | str:
    if _OTHER_BASE.fullmatch(text):
        raise Unreadable(
            f"{text[:40]} is read as different numbers by different YAML readers", "write a plain decimal, or quote it"
        )
    if _NOT_FINITE.fullmatch(text):
        raise Unreadable(f"{text} is not a number that a pipeline can use", "leave the key out for no limit")
    if _INT.fullmatch(text):
        if len(text) > _MAX_DIGITS:
            raise Unreadable(f"a number of {len(text)} digits", "numbers have at most 20 digits")
        return int(text)
    if _FLOAT.fullmatch(text):
        value = float(text) if len(text) <= 2 * _MAX_DIGITS else math.inf
        if not math.isfinite(value):
            raise Unreadable("a number too large or too long", "write fewer digits")
        return value
    return text
