"""Structured text: finding the JSON in what a model wrote, and what a JSON Schema finds wrong with it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

from fusion_graph.graph import patience

BOUND = 262_144  # characters; what is longer is not searched for JSON
MENDABLE = 8192  # characters; what is longer is asked for again rather than mended
_DEEP = 12  # brackets; no shape asked for here nests half as deep
_BRACKETS = re.compile(r"[{}\[\]]")
_STARTS = 16  # places at which an object may begin in prose, and fenced blocks, before the search gives up
_MOST, _SHOWN = 5, 200  # problems, and characters of one
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
    for part in _parts(text):
        try:
            yield parse_strictly(part)
        except ValueError:
            continue
    yield from _objects(text)


def _parts(text: str) -> Iterator[str]:
    yield text
    yield from reversed(_FENCED.findall(text)[-_STARTS:])


def mend(text: str) -> Any:
    """The value of broken JSON (single quotes, missing commas, a cut tail), mechanically mended. Raises ValueError if
    the text holds no object or list, or is too long or deep: json_repair takes seconds for some hostile kilobytes."""
    import json_repair

    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    broken = text[min(starts) :] if starts else ""
    if not broken or len(broken) > MENDABLE or _depth(broken) > _DEEP:
        raise ValueError("no JSON in the text that could be mended")
    value = json_repair.loads(broken, skip_json_loads=True)
    if not isinstance(value, dict | list) or not value:
        raise ValueError("no JSON in the text that could be mended")
    return value


def _depth(text: str) -> int:
    """How deep brackets nest, whether or not they stand in strings."""
    depth = deepest = 0
    for bracket in _BRACKETS.findall(text):
        depth = depth + 1 if bracket in "{[" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


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


def problems(schema: Mapping[str, Any], value: Any) -> list[str]:
    """What is wrong with the value, the first few; empty if it fits. A schema that is none, or that refers to what is
    not in it, is itself the problem: nothing is ever fetched."""
    try:
        return _found(schema, value, lambda error: f"{error.json_path}: {error.message}", _MOST)
    except patience.OutOfPatienceError:
        return ["it is too large to be checked"]


def misfits(schema: Mapping[str, Any], value: Any, *, most: int) -> list[str]:
    """The same without a word of the value, which a stranger wrote: which keywords of the schema it does not keep.
    Raises OutOfPatienceError."""
    return _found(schema, value, _keyword, most)


def _keyword(error: ValidationError) -> str:
    """With its place in the schema, as names in the value are the stranger's too. What is missing only the schema
    names."""
    missing = f" ({error.message})" if error.validator == "required" else ""
    return f"#/{'/'.join(str(step) for step in error.absolute_schema_path)}{missing}"


def _found(schema: Mapping[str, Any], value: Any, told: Callable[[ValidationError], str], most: int) -> list[str]:
    from jsonschema.exceptions import SchemaError
    from referencing.exceptions import Unresolvable

    try:
        errors = patience.errors(_validator(_text(schema)), value)
    except SchemaError as error:
        return [_clip(f"the schema itself is not valid: {error.message}")]
    except Unresolvable as error:
        return [f"the schema refers to {error.ref!r}, which is not in it"]
    except RecursionError:
        return ["nested too deep"]
    return [_clip(told(error)) for error in errors[:most]]


def schema_flaw(schema: Mapping[str, Any]) -> tuple[str, str] | None:
    """Where and why a schema is none, like `$.type`; None if it is one. A good one need not be checked again."""
    from jsonschema.exceptions import SchemaError

    try:
        _validator(_text(schema))
    except SchemaError as error:
        return error.json_path, _clip(error.message)
    except RecursionError:
        return "$", "nested too deep"
    return None


def _text(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, sort_keys=True)


@lru_cache(maxsize=128)
def _validator(schema: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator
    from referencing import Registry

    loaded = json.loads(schema)
    Draft202012Validator.check_schema(loaded)
    return patience.patient()(loaded, registry=Registry())


def _clip(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 4] + " ..."


# --- a quick yes ------------------------------------------------------------------------------------------------------

Check: TypeAlias = Callable[[Any], bool]


def compile_check(schema: Mapping[str, Any]) -> Check:
    """A test that says yes only where a value fits beyond doubt; its no says nothing. It knows the plain keywords and
    spares a run jsonschema, which takes a hundred times as long and is needed for the messages only."""
    kind = schema.get("type")
    if not isinstance(kind, str) or not schema.keys() <= _NOTES | _KNOWN.get(kind, frozenset()):
        return _doubt
    compiler = _COMPILE.get(kind)
    return compiler(schema) if compiler else _doubt


def _doubt(_value: Any) -> bool:
    return False


def _compile_object(schema: Mapping[str, Any]) -> Check:
    """Closed objects whose every property is required: what a request for a structured reply is made of."""
    parts = [(name, compile_check(part)) for name, part in schema.get("properties", {}).items()]
    names = {name for name, _ in parts}
    if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != names:
        return _doubt

    def check(value: Any) -> bool:
        if not isinstance(value, dict) or value.keys() != names:
            return False
        for name, fits in parts:  # noqa: SIM110 - all() would cost a generator per object
            if not fits(value[name]):
                return False
        return True

    return check


def _compile_array(schema: Mapping[str, Any]) -> Check:
    fits, most = compile_check(schema.get("items", {})), schema.get("maxItems", _ANY)

    def check(value: Any) -> bool:
        if not isinstance(value, list) or len(value) > most:
            return False
        for item in value:  # noqa: SIM110 - as above
            if not fits(item):
                return False
        return True

    return check


def _compile_string(schema: Mapping[str, Any]) -> Check:
    most = schema.get("maxLength", _ANY)
    return lambda value: isinstance(value, str) and len(value) <= most


def _compile_number(schema: Mapping[str, Any]) -> Check:
    least, most = schema.get("minimum", -_ANY), schema.get("maximum", _ANY)
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


_ANY = float("inf")
_NOTES = frozenset({"type", "title", "description"})
_KNOWN: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "maxItems"}),
    "string": frozenset({"maxLength"}),
    "number": frozenset({"minimum", "maximum"}),
    "boolean": frozenset(),
}
_COMPILE: Mapping[str, Callable[[Mapping[str, Any]], Check]] = {
    "object": _compile_object,
    "array": _compile_array,
    "string": _compile_string,
    "number": _compile_number,
    "boolean": lambda _schema: _is_boolean,
}
