"""Checking values against JSON Schemas, each error told in the words of the format and at its own place.

jsonschema finds the errors; this module says them. An unknown key is reported at that key, with the nearest known
one. A parameter that stands in the place of a value fits everywhere; its default is checked by whoever knows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from fusion_graph.graph.diagnostics import suggest
from fusion_graph.graph.reading.fitting import fits, is_number, is_whole
from fusion_graph.graph.yaml.places import Path, Problem
from fusion_graph.pipeline import Param

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

TYPES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
    "null": "null",
}


class Checker:
    """One schema. jsonschema is imported for what does not clearly fit, and decides."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._validator: Draft202012Validator | None = None

    def problems(self, value: Any, path: Path = ()) -> Iterator[Problem]:
        """Everything wrong with `value`, which stands at `path`."""
        if fits(value, self._schema):
            return
        if self._validator is None:
            self._validator = _validator(_anchored(self._schema))
        for error in self._validator.iter_errors(value):
            if not isinstance(error.instance, Param):
                yield from _told(error, (*path, *error.absolute_path))


def _validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    """With numbers that the program can count with, see `fitting`."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    ours = {
        "number": lambda _checker, value: is_number(value),
        "integer": lambda _checker, value: is_whole(value),
    }
    strict = extend(  # type: ignore[no-untyped-call]  # it ships no types
        Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(ours)
    )
    return cast("Draft202012Validator", strict(schema))


def _anchored(schema: Any) -> Any:
    """The schema with `$` in its patterns as JSON Schema means it: in Python it also matches before a last newline."""
    if isinstance(schema, dict):
        return {
            key: part[:-1] + r"\Z"
            if key == "pattern" and isinstance(part, str) and part.endswith("$") and not part.endswith(r"\$")
            else _anchored(part)
            for key, part in schema.items()
        }
    return [_anchored(part) for part in schema] if isinstance(schema, list) else schema


def schema_problem(schema: Any) -> str:
    """What is wrong with a JSON Schema that an author wrote; "" if nothing. Only references inside it are followed."""
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as exc:
        return f"not a JSON Schema: {exc.message[:200]}"
    outside = next((ref for ref in _references(schema) if not ref.startswith("#")), None)
    return f"it refers to {outside!r}, outside of itself" if outside else ""


LONGEST = 4_000  # characters of an expression that are looked at for nested repeats
_PARTS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(?:[*+?]|\{\d*,?\d*\})[+?]?|.", re.DOTALL)
_ENDLESS = re.compile(r"(?:[*+]|\{\d*,\})\??")  # a possessive one gives nothing back


def regex_problem(pattern: str) -> str:
    """What is wrong with a regular expression; "" if nothing."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as exc:
        return f"not a regular expression: {exc}"
    if _nests_repeats(pattern):
        return (
            "a repeat inside a repeat, which can take for ever on a text that does not match: "
            "make the inner one possessive, as in (?:[^,]++,)*, or bounded, as in {1,80}"
        )
    return ""


def _nests_repeats(pattern: str) -> bool:
    """A group with an endless repeat in it is itself repeated endlessly, like (a+)+, and the pattern may try every way
    to share the text between the two. Texts come from models and callers, so one of them would find that out."""
    groups, closed = [False], False  # does each open group hold an endless repeat; did the one that was just closed
    for part in _PARTS.findall(pattern[:LONGEST]):
        if part == ")":
            closed = len(groups) > 1 and groups.pop()  # in a comment of (?x) it closes nothing
            groups[-1] |= closed
            continue
        if part == "(":
            groups.append(False)
        elif _ENDLESS.fullmatch(part):
            if closed:
                return True
            groups[-1] = True
        closed = False
    return False


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        yield from (str(value) for key, value in schema.items() if key in ("$ref", "$dynamicRef"))
        schema = list(schema.values())
    for part in schema if isinstance(schema, list) else ():
        yield from _references(part)


def _told(error: ValidationError, path: Path) -> Iterator[Problem]:
    """An error in words."""
    name, word, schema, wanted = _name(path), str(error.validator), _schema(error), cast("Any", error.validator_value)
    if "propertyNames" in error.absolute_schema_path:
        yield Problem(
            "FG114", (*path, str(error.instance)), f"{error.instance!r} is not taken as a name", _NAMES, key=True
        )
    elif word == "additionalProperties":
        known = list(schema.get("properties", ()))
        free = list(schema.get("patternProperties", ()))
        for key in cast("Any", error.instance):
            if key not in known and not any(re.search(pattern, key) for pattern in free):
                yield Problem("FG111", (*path, key), f"{name} takes no key {key!r}", suggest(key, known), key=True)
    elif word == "required":
        missing = next(key for key in wanted if error.message.startswith(repr(key)))
        yield Problem("FG112", path, f"{name} needs `{missing}`", key=True)
    elif word == "pattern":
        yield _pattern(error, path, name)
    elif word in _WORDS:
        code, text = _WORDS[word]
        if wanted == 1 and word.startswith("min") and word != "minimum":
            text = "must not be empty"
        want = _types(wanted) if word == "type" else _choice(wanted)
        hint = suggest(error.instance, map(str, wanted)) if word == "enum" else ""
        yield Problem(code, path, f"{name} {text.format(want=want, got=_brief(error.instance))}", hint)
    else:
        yield Problem("FG114", path, f"{name}: {error.message[:200]}")


def _schema(error: ValidationError) -> Mapping[str, Any]:
    """The schema that an error is about; those that find errors are maps."""
    return cast("Mapping[str, Any]", error.schema)


def _name(path: Path) -> str:
    """What to call the thing at a path: its key, or the key of the list it stands in."""
    words = [str(part) for part in path if isinstance(part, str)]
    if not words:
        return "the file"
    last = f"`{words[-1]}`" if len(words) != 2 or words[0] != "nodes" else f"node {words[1]!r}"
    return f"entry {path[-1] + 1} of {last}" if isinstance(path[-1], int) else last


_NAMES = "names begin with a letter and hold a-z, 0-9, _ and -"
_WORDS = {
    "type": ("FG113", "must be {want}, not {got}"),
    "const": ("FG114", "must be {want}, not {got}"),
    "enum": ("FG114", "must be {want}, not {got}"),
    "minimum": ("FG114", "must be at least {want}, not {got}"),
    "maximum": ("FG114", "must be at most {want}, not {got}"),
    "exclusiveMinimum": ("FG114", "must be above {want}, not {got}"),
    "exclusiveMaximum": ("FG114", "must be below {want}, not {got}"),
    "minLength": ("FG114", "must have at least {want} characters"),
    "maxLength": ("FG114", "must have at most {want} characters"),
    "minItems": ("FG114", "must have at least {want} entries"),
    "maxItems": ("FG114", "must have at most {want} entries"),
    "uniqueItems": ("FG114", "must not say the same thing twice"),
    "minProperties": ("FG114", "must have at least {want} entries"),
    "maxProperties": ("FG114", "must have at most {want} entries"),
}


def _pattern(error: ValidationError, path: Path, name: str) -> Problem:
    """A pattern of one plain word (`^all$`) says which text is taken; others are explained by the description."""
    word = re.fullmatch(r"\^([a-z_]+)\\Z", str(error.validator_value))
    if word:
        kinds = [t for t in _schema(error).get("type", []) if t != "string"]
        wanted = " or ".join([f"`{word[1]}`", *(TYPES[t] for t in kinds)])
        return Problem("FG114", path, f"{name} must be {wanted}, not {_brief(error.instance)}")
    hint = str(_schema(error).get("description", ""))
    return Problem("FG114", path, f"{name}: {_brief(error.instance)} is not taken here", hint)


def _types(value: Any) -> str:
    return " or ".join(TYPES[name] for name in ([value] if isinstance(value, str) else value))


def _choice(value: Any) -> str:
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)


def _brief(value: Any) -> str:
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return (
        repr(value) if isinstance(value, str) and len(value) <= 40 else "text" if isinstance(value, str) else str(value)
    )
