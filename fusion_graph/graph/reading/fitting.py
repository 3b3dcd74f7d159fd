"""A quick yes for values that clearly fit a JSON Schema. Anything but a clear yes goes to jsonschema, which has the
last word and finds the errors; so sound files never wait for its import, which costs more than reading them.

Knows the keywords that the format uses. A test holds it to jsonschema: what fits here has no errors there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

LARGEST = 2**1023
"""What is above is no number to us: it would not fit a float."""


def is_number(value: Any) -> bool:
    return type(value) is float or (type(value) is int and abs(value) <= LARGEST)


def is_whole(value: Any) -> bool:
    """JSON Schema takes 3.0 for a whole number. Whoever counts with it does not."""
    return type(value) is int and abs(value) <= LARGEST


TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: type(value) is str,
    "number": is_number,
    "integer": is_whole,
    "boolean": lambda value: type(value) is bool,
    "array": lambda value: type(value) is list,
    "object": lambda value: type(value) is dict,
    "null": lambda value: value is None,
}


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """True when the value certainly fits; False when it does not, or when that takes more than a look."""
    return all(word in RULES and RULES[word](value, wanted, schema) for word, wanted in schema.items())


def _type(value: Any, wanted: Any, _schema: Any) -> bool:
    return any(TYPES[name](value) for name in (wanted if type(wanted) is list else (wanted,)))


def _among(value: Any, wanted: Any, _schema: Any) -> bool:
    """Of texts only: `1`, `1.0` and `true` are equal in Python and not in JSON."""
    return type(value) is str and value in wanted


def _properties(value: Any, wanted: Any, _schema: Any) -> bool:
    return type(value) is not dict or all(fits(value[key], part) for key, part in wanted.items() if key in value)


def _pattern_properties(value: Any, wanted: Any, _schema: Any) -> bool:
    if type(value) is not dict:
        return True
    return all(
        fits(item, part) for pattern, part in wanted.items() for key, item in value.items() if re.search(pattern, key)
    )


def _additional(value: Any, wanted: Any, schema: Mapping[str, Any]) -> bool:
    if type(value) is not dict or wanted is True:
        return True
    named, free = schema.get("properties", {}), schema.get("patternProperties", {})
    rest = [key for key in value if key not in named and not any(re.search(pattern, key) for pattern in free)]
    return not rest if wanted is False else all(fits(value[key], wanted) for key in rest)


def _pattern(value: Any, wanted: Any, _schema: Any) -> bool:
    """With a line's end at its end no yes is clear: a `$` matches before it in Python and not in JSON Schema."""
    return type(value) is not str or (re.search(wanted, value) is not None and not value.endswith("\n"))


def _condition(value: Any, wanted: Any, schema: Mapping[str, Any]) -> bool:
    """`if` must be no more than a type, so that a no is as certain as a yes."""
    if wanted.keys() != {"type"}:
        return False
    return fits(value, schema.get("then" if fits(value, wanted) else "else", {}))


def _size(
    kind: type[str | list[Any] | dict[str, Any]], compare: Callable[[int, Any], bool]
) -> Callable[[Any, Any, Any], bool]:
    return lambda value, wanted, _schema: type(value) is not kind or compare(len(value), wanted)


def _amount(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any, Any], bool]:
    return lambda value, wanted, _schema: type(value) not in (int, float) or compare(value, wanted)


def _yes(_value: Any, _wanted: Any, _schema: Any) -> bool:
    return True


RULES: Mapping[str, Callable[[Any, Any, Any], bool]] = {
    "description": _yes,
    "format": _yes,  # says more to people than it checks
    "type": _type,
    "enum": _among,
    "const": lambda value, wanted, _schema: type(value) is type(wanted) and value == wanted,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "propertyNames": lambda value, wanted, _schema: type(value) is not dict or all(fits(key, wanted) for key in value),
    "required": lambda value, wanted, _schema: type(value) is not dict or all(key in value for key in wanted),
    "items": lambda value, wanted, _schema: type(value) is not list or all(fits(item, wanted) for item in value),
    "uniqueItems": lambda value, _wanted, _schema: (
        type(value) is not list or (all(type(item) is str for item in value) and len(set(value)) == len(value))
    ),
    "pattern": _pattern,
    "if": _condition,
    "then": lambda _value, _wanted, schema: "if" in schema,
    "else": lambda _value, _wanted, schema: "if" in schema,
    "minLength": _size(str, lambda size, wanted: size >= wanted),
    "maxLength": _size(str, lambda size, wanted: size <= wanted),
    "minItems": _size(list, lambda size, wanted: size >= wanted),
    "maxItems": _size(list, lambda size, wanted: size <= wanted),
    "minProperties": _size(dict, lambda size, wanted: size >= wanted),
    "maxProperties": _size(dict, lambda size, wanted: size <= wanted),
    "minimum": _amount(lambda value, wanted: value >= wanted),
    "maximum": _amount(lambda value, wanted: value <= wanted),
    "exclusiveMinimum": _amount(lambda value, wanted: value > wanted),
    "exclusiveMaximum": _amount(lambda value, wanted: value < wanted),
}
