"""Structured text: finding the JSON in what a model wrote, and what a JSON Schema finds wrong with it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

BOUND = 262_144  # characters; what is longer is not searched for JSON
_STARTS = 16  # places at which an object may begin in prose, before the search gives up
_SHOWN = 200  # characters of one problem
_FENCED = re.compile(r"```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)


# --- finding ------------------------------------------------------------------------------------------------------------


def parse_strictly(text: str) -> Any:
    """The JSON value of a whole text. Raises ValueError; NaN and infinity are not JSON."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None


def find_values(text: str) -> Iterator[Any]:
    """What may be meant as JSON, best guess first: the whole text, a fenced block (the last one first, as verdicts come
    last), the first objects in prose."""
    text = text[:BOUND].strip()
    for part in (text, *(m.group(1) for m in reversed(list(_FENCED.finditer(text))))):
        try:
            yield parse_strictly(part)
        except ValueError:
            continue
    yield from _objects(text)


def mend(text: str) -> Any:
    """The value of broken JSON (single quotes, missing commas, a cut tail), mechanically mended. Raises ValueError if the
    text holds no object or list at all."""
    import json_repair

    text = text[:BOUND]
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    if not starts:
        raise ValueError("no JSON object in the text")
    try:
        value = json_repair.loads(text[min(starts) :], skip_json_loads=True)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(value, dict | list) or not value:
        raise ValueError("no JSON object in the text")
    return value


def _objects(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder(parse_constant=_refuse)
    at = text.find("{")
    for _ in range(_STARTS):
        if at < 0:
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield value
        at = text.find("{", end)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


# --- checking -----------------------------------------------------------------------------------------------------------


def problems(schema: Mapping[str, Any], value: Any, *, most: int = 5) -> list[str]:
    """What is wrong with the value, in the order of the value, at most so many; empty if it fits. A schema that refers to
    what is not in it is itself the problem: nothing is ever fetched."""
    from referencing.exceptions import Unresolvable

    try:
        errors = sorted(
            _validator(json.dumps(schema, sort_keys=True)).iter_errors(value), key=lambda e: str(e.json_path)
        )
    except Unresolvable as error:
        return [f"the schema refers to {error.ref!r}, which is not in it"]
    except RecursionError:
        return ["nested too deep"]
    return [_clip(f"{error.json_path}: {error.message}") for error in errors[:most]]


@lru_cache(maxsize=128)
def _validator(schema: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator
    from referencing import Registry

    return Draft202012Validator(json.loads(schema), registry=Registry())


def _clip(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 4] + " ..."
