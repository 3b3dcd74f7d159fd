"""From a reply to a draft: the answer in its text, and the one rule that says whether a text counts. Pure.

Expressions come from the pipeline's author and are trusted; texts come from models and are not, so what an expression
gets to see is bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from fusion_graph.graph.structure import find_values, parse_strictly, problems
from fusion_graph.messages import Completion
from fusion_graph.outputs import Draft
from fusion_graph.pipeline import Extract, Node, Usable

SEEN = 8_192  # characters an expression sees: the end of a text, where answers stand; a match also its beginning
EXTRACT: Mapping[str, Any] = {
    "type": ["string", "object"],
    "pattern": "^last_number$",
    "properties": {"regex": {"type": "string", "format": "regex"}, "pointer": {"type": "string"}},
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "description": "Where the answer stands: `last_number`, {regex: ...} (its first group) or {pointer: ...} (JSON).",
}

# The sign counts only where a number may begin, so that 5-3 ends in 3; digits inside a word (H2O) are no number.
_NUMBER = re.compile(
    r"(?<![\w.])[-+\u2212]?(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+|(?=\.[0-9]))(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3}(?![0-9]))?"
)
_PLAIN_EXPONENT = 40


def parse_rule(value: Any) -> Extract:
    """`last_number`, `{regex: ...}` or `{pointer: ...}` as it stands in a file."""
    return Extract(last_number=True) if value == "last_number" else Extract(**value)


def extract(rule: Extract, text: str) -> str | None:
    """The answer in a text, None if there is none: the last match of a regex (its first group if it has one), the last
    number in one spelling (1,000 and 1000.0 are both 1000), or what a JSON pointer finds."""
    if rule.regex is not None:
        return _last_match(rule.regex, text[-SEEN:])
    if rule.pointer is not None:
        return _pointed(rule.pointer, text)
    if rule.last_number:
        return _last_number(text[-SEEN:])
    return None


def draft_of(node: Node, completion: Completion) -> Draft:
    """The reply as this node's draft: with its answer if the node extracts one, marked if refused, cut or simulated."""
    model = node.model
    assert model is not None
    return Draft(
        completion.text,
        node.id,
        completion.model or model.model.slug,
        None if model.extract is None else extract(model.extract, completion.text),
        completion.finish_reason,
        completion.refusal or "",
        completion.tool_calls,
        completion.simulated,
        completion.logprobs,
        completion.stop_sequence,
    )


def unusable(rule: Usable, completion: Completion) -> str:
    """Why a reply does not count: "" (it does), `blank`, `complete`, `match` or `schema`. Tool calls are an answer."""
    if completion.tool_calls:
        return ""
    text = completion.text
    if not (text[:1].isalnum() or any(char.isprintable() and not char.isspace() for char in text)):
        return "blank"  # zero-width characters say nothing
    if rule.complete and completion.finish_reason in ("length", "content_filter"):
        return "complete"
    if rule.match is not None and not any(_compiled(rule.match).search(part) for part in _ends(text)):
        return "match"
    return "schema" if rule.schema is not None and not _fits(rule.schema, text) else ""


# --- each way of reading ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _last_match(pattern: str, text: str) -> str | None:
    matches = list(_compiled(pattern).finditer(text))
    if not matches:
        return None
    last = matches[-1]
    return (last.group(1 if last.re.groups else 0) or "").strip() or None


def _last_number(text: str) -> str | None:
    numbers = _NUMBER.findall(text)
    return _spell(numbers[-1]) if numbers else None


def _spell(number: str) -> str:
    """One spelling per value. Huge exponents stay exponents: 1e999 must not become a thousand digits."""
    from decimal import Decimal  # few pipelines look for numbers

    value = Decimal(number.replace(",", "").replace("\u2212", "-"))
    if not value:
        return "0"
    if abs(value.adjusted()) > _PLAIN_EXPONENT:
        return str(value.normalize())
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _pointed(pointer: str, text: str) -> str | None:
    for value in find_values(text):
        found = _follow(value, pointer)
        if found is not None:
            return _write(found)
    return None


def _follow(value: Any, pointer: str) -> Any:
    """RFC 6901; None where it leads nowhere."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _write(value: Any) -> str | None:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _spell(repr(value))
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _ends(text: str) -> Iterator[str]:
    yield text[:SEEN]
    if len(text) > SEEN:
        yield text[-SEEN:]


def _fits(schema: Mapping[str, Any], text: str) -> bool:
    try:
        value = parse_strictly(text)
    except ValueError:
        return False
    return not problems(schema, value)
