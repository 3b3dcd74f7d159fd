"""Structured text: finding the JSON in what a model wrote, and what a JSON Schema finds wrong with it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

BOUND = 262_144  # characters; what is longer is not searched for JSON
_STARTS = 16  # places at which an object may begin in prose, before the search gives up
_SHOWN = 200  # characters of one problem
_FENCED = re.compile(r"```[\w-]*[ \t]*\n(.*?)```", re.DOTALL)


# --- finding ----------------------------------------------------------------------------------------------------------


def parse_strictly(text: str) -> Any:
    """The JSON value of a whole text. Raises ValueError; NaN and infinity are not JSON."""
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def find_values(text: str) -> Iterator[Any]:
    """What may be meant as JSON, best guess first: the whole text, a fenced block (the last one first, as verdicts come
    last), the first objects in prose."""
    text = text[:BOUND].strip()
    try:
        yield parse_strictly(text)
    except ValueError:
        pass
    for block in reversed(_FENCED.findall(text)):
        try:
            yield parse_strictly(block)
        except ValueError:
            continue
    yield from _objects(text)


def mend(text: str) -> Any:
    """The value of broken JSON (single quotes, missing commas, a cut tail), mechanically mended. Raises ValueError if
    the text holds no object or list at all."""
    import json_repair

    text = text[:BOUND]
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    if not starts:
        raise ValueError("no JSON in the text")
    try:
        value = json_repair.loads(text[min(starts) :], skip_json_loads=True)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(value, dict | list) or not value:
        raise ValueError("no JSON in the text")
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _objects(text: str) -> Iterator[Any]:
    at = text.find("{")
    for _ in range(_STARTS):
        if at < 0:
            return
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield value
        at = text.find("{", end)


# --- checking ---------------------------------------------------------------------------------------------------------


def problems(schema: Mapping[str, Any], value: Any, *, most: int = 5) -> list[str]:
    """What is wrong with the value, at most so many; empty if it fits. A schema that is none, or that refers to what is
    not in it, is itself the problem: nothing is ever fetched."""
    if surely_fits(schema, value):
        return []
    from jsonschema.exceptions import SchemaError
    from referencing.exceptions import Unresolvable

    try:
        errors = sorted(_validator(json.dumps(schema, sort_keys=True)).iter_errors(value), key=lambda e: e.json_path)
    except SchemaError as error:
        return [_clip(f"the schema itself is not valid: {error.message}")]
    except Unresolvable as error:
        return [f"the schema refers to {error.ref!r}, which is not in it"]
    except RecursionError:
        return ["nested too deep"]
    return [_clip(f"{error.json_path}: {error.message}") for error in errors[:most]]


@lru_cache(maxsize=128)
def _validator(schema: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator
    from referencing import Registry

    loaded = json.loads(schema)
    Draft202012Validator.check_schema(loaded)
    return Draft202012Validator(loaded, registry=Registry())


def _clip(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 4] + " ..."


# --- a quick yes ------------------------------------------------------------------------------------------------------


def surely_fits(schema: Mapping[str, Any], value: Any) -> bool:
    """True only where the value fits beyond doubt, by the plain keywords alone; False says nothing. It spares the run
    jsonschema, which costs a hundred times as much and is needed for the messages only."""
    try:
        return all(_QUICK[keyword](wanted, value, schema) for keyword, wanted in schema.items())
    except (KeyError, TypeError, AttributeError):  # a keyword that is not plain, or no schema at all
        return False


def _type(wanted: Any, value: Any, _schema: Mapping[str, Any]) -> bool:
    names = wanted if isinstance(wanted, list) else (wanted,)
    return any(
        isinstance(value, _TYPES[n]) and (n == "boolean" or value is not True and value is not False) for n in names
    )


def _properties(wanted: Any, value: Any, _schema: Mapping[str, Any]) -> bool:
    if not isinstance(value, dict):
        return True
    return all(surely_fits(part, value[name]) for name, part in wanted.items() if name in value)


def _closed(wanted: Any, value: Any, schema: Mapping[str, Any]) -> bool:
    return wanted is False and (not isinstance(value, dict) or value.keys() <= schema.get("properties", {}).keys())


def _items(wanted: Any, value: Any, _schema: Mapping[str, Any]) -> bool:
    return not isinstance(value, list) or all(surely_fits(wanted, item) for item in value)


def _enum(wanted: Any, value: Any, _schema: Mapping[str, Any]) -> bool:
    return isinstance(value, str) and value in wanted


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": int,  # 1.0 is one too, but that is left to jsonschema
    "boolean": bool,
    "null": type(None),
}
_QUICK: Mapping[str, Callable[[Any, Any, Mapping[str, Any]], bool]] = {
    "type": _type,
    "properties": _properties,
    "required": lambda w, v, _: not isinstance(v, dict) or all(name in v for name in w),
    "additionalProperties": _closed,
    "items": _items,
    "enum": _enum,
    "maxItems": lambda w, v, _: not isinstance(v, list) or len(v) <= w,
    "minItems": lambda w, v, _: not isinstance(v, list) or len(v) >= w,
    "maxLength": lambda w, v, _: not isinstance(v, str) or len(v) <= w,
    "minLength": lambda w, v, _: not isinstance(v, str) or len(v) >= w,
    "minimum": lambda w, v, _: not _number(v) or v >= w,
    "maximum": lambda w, v, _: not _number(v) or v <= w,
    **dict.fromkeys(("title", "description", "$schema", "$id"), lambda _w, _v, _s: True),
}
