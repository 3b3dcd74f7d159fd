"""The parts of the format that no kind owns, as JSON Schemas: common keys, model calls, how drafts are shown, limits,
parameters. `graph/schema` puts them together with what the kinds declare.

Where a value may be of two types, `type` lists both and each keyword looks at one of them; so an error says what is
wrong rather than which branch failed. Every `description` is also the text of the generated docs.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

ID = "[a-z][a-z0-9_-]*"
REF = f"{ID}(/[A-Za-z0-9][A-Za-z0-9._:-]*)*"
"""A node, or a member of a group by its key (or by the name that the key was made from)."""
NAME = "^[a-z0-9][a-z0-9._-]{0,63}$"
NAMED = "Small letters, digits, dot, dash and underscore, 64 at most; also the model name on the server."
SLUG: Schema = {
    "type": "string",
    "pattern": r"^(?!.*(//|\.\.))[A-Za-z0-9@][A-Za-z0-9@._:/+~-]*$",
    "maxLength": 200,
    "description": "A model, `vendor/name`, or `vendor/name@backend`.",
}


def _seconds(text: str, *, least: Schema | None = None) -> Schema:
    return {"type": "number", **(least or {"exclusiveMinimum": 0}), "maximum": 86_400, "description": text}


def _closed(properties: Schema, text: str, **more: Any) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False, **more, "description": text}


TIMEOUT = _closed(
    {
        "first_token_s": _seconds("Until the first content of an attempt."),
        "idle_s": _seconds("Between two pieces of content."),
        "total_s": _seconds("For a whole attempt."),
    },
    "Seconds, per attempt.",
)
RETRY = _closed(
    {
        "attempts": {
            "type": "integer",
            "minimum": 1,
            "maximum": 10,
            "description": "All tries of one call, the first too.",
        },
        "backoff_s": {
            "type": "number",
            "minimum": 0,
            "maximum": 60,
            "description": "The first wait; it doubles, with jitter.",
        },
    },
    "What is tried again: only faults that may go away by themselves.",
)
USABLE = _closed(
    {
        "complete": {"type": "boolean", "description": "Refuse text that was cut off."},
        "match": {
            "type": "string",
            "minLength": 1,
            "description": "A regular expression that must be found in the text.",
        },
        "schema": {"type": "object", "description": "A JSON Schema that the text, read as JSON, must fit."},
    },
    "When a reply counts; blank text never does.",
)
EXTRACT: Schema = {
    "type": ["string", "object"],
    "pattern": "^last_number$",
    "properties": {
        "regex": {
            "type": "string",
            "minLength": 1,
            "description": "The first group of the last match, or the whole match.",
        },
        "pointer": {
            "type": "string",
            "pattern": "^(/.*)?$",
            "description": "A JSON pointer into the text, read as JSON.",
        },
    },
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
    "description": "How the answer is read from the text: `last_number`, `{regex: ...}` or `{pointer: ...}`.",
}
PRESENT = _closed(
    {
        "order": {"enum": ["shuffled", "given"], "description": "Shuffled by the run's seed, or as listed."},
        "blind": {"type": "boolean", "description": "Show labels instead of model names."},
        "own": {
            "enum": ["show", "mark", "hide"],
            "description": "What to do with the draft of the member of the same key.",
        },
        "max_chars": {
            "type": "integer",
            "minimum": 0,
            "description": "Cut each draft here, with a visible mark; 0 = no cut.",
        },
        "select": {
            "type": ["string", "object"],
            "pattern": "^all$",
            "properties": {"top": {"type": "integer", "minimum": 1}, "random": {"type": "integer", "minimum": 1}},
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
            "description": "Which drafts are shown: `all`, `{top: k}` by score, or `{random: k}`.",
        },
    },
    "How drafts are shown to the model.",
)

CALL: Schema = {
    "model": SLUG,
    "alternates": {
        "type": "array",
        "items": SLUG,
        "maxItems": 8,
        "description": "Models that are asked in this order when all attempts are spent.",
    },
    "system": {"type": "string", "description": "The system text, in place of the kind's own."},
    "prompt": {"type": "string", "minLength": 1, "description": "The prompt, in place of the kind's own."},
    "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2, "description": "null = not sent."},
    "top_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1, "description": "null = not sent."},
    "max_tokens": {"type": ["integer", "null"], "minimum": 1, "maximum": 10_000_000, "description": "null = not sent."},
    "seed": {"type": ["integer", "null"], "minimum": 0, "description": "Sent to the model; null = not sent."},
    "stop_sequences": {
        "type": "array",
        "items": {"type": "string", "minLength": 1},
        "maxItems": 16,
        "description": "Texts that end the reply.",
    },
    "reasoning_effort": {
        "type": ["string", "null"],
        "pattern": "^[a-z]{1,16}$",
        "description": "How long the model thinks, in its own words: low, medium, high ...",
    },
    "inherit": {
        "type": "boolean",
        "description": "Take a request's temperature, top_p, penalties, reasoning effort and verbosity too.",
    },
    "tools": {
        "type": "array",
        "items": {"type": "string", "pattern": f"^({ID}|mcp:{ID}/[A-Za-z0-9_./-]{{1,128}})$"},
        "uniqueItems": True,
        "description": "Tools that the model may call; `mcp:server/tool` is one of an MCP server.",
    },
    "timeout": TIMEOUT,
    "retry": RETRY,
    "usable": USABLE,
    "extract": EXTRACT,
    "cache": {
        "type": ["boolean", "object"],
        "properties": {"ttl_s": {"type": "number", "exclusiveMinimum": 0}},
        "required": ["ttl_s"],
        "additionalProperties": False,
        "description": "Whether replies of other runs to the same call may be taken, and for how many seconds "
        "(`{ttl_s}`). Absent: if the run says so (`--cache`).",
    },
}
"""Options of every node that calls a model."""

SEED: Schema = {
    "type": "integer",
    "minimum": 0,
    "description": "The engine's own: order and random choice; not sent.",
}
SHOWN: Schema = {"present": PRESENT}
"""The option of nodes that show drafts to a model."""

OPERATORS: Schema = {
    word: {"type": ["number", "string", "boolean"]}
    if word.endswith("equals")
    else {
        "type": ["number", "string"],
        "pattern": rf"^\${ID}$",
        "description": "A number; a list counts by its length.",
    }
    for word in ("above", "below", "at_least", "at_most", "equals", "not_equals")
}
WHEN: Schema = {
    "type": "object",
    "minProperties": 1,
    "properties": {"any": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/when"}}},
    "patternProperties": {
        rf"^{REF}\.[a-z_]+$": _closed(OPERATORS, "One or more tests, all of which must hold.", minProperties=1)
    },
    "additionalProperties": False,
    "description": "Run only when every entry holds: `<node>.<field>` or `params.<name>` with its tests; `any` = or.",
}
COMMON: Schema = {
    "kind": {"type": "string", "description": "What the node does."},
    "inputs": {
        "type": "array",
        "items": {"type": "string", "pattern": rf"^{REF}\??$"},
        "description": "Nodes whose values this one takes; `id?` = goes on without it.",
    },
    "after": {
        "type": "array",
        "items": {"type": "string", "pattern": f"^{REF}$"},
        "description": "Nodes to wait for, without taking their values.",
    },
    "when": WHEN,
    "description": {"type": "string", "description": "What the node is for, in words for readers."},
}
"""Options of every node."""

MEMBER_KEY: Schema = {
    "type": "string",
    "pattern": "^[a-z0-9][a-z0-9_-]*$",
    "description": "The member's key in its id: small letters, digits, dash and underscore.",
}

LIMITS = _closed(
    {
        "deadline_s": _seconds("The whole run ends here."),
        "reserve_s": _seconds("Part of the deadline kept for the output.", least={"minimum": 0}),
        "budget_usd": {"type": "number", "exclusiveMinimum": 0, "description": "Dollars, retries included."},
        "max_calls": {"type": "integer", "minimum": 1, "description": "Attempts, retries included."},
        "max_tokens": {"type": "integer", "minimum": 1, "description": "Tokens in and out, retries included."},
        "max_concurrency": {"type": "integer", "minimum": 0, "description": "Calls at once; 0 = no cap."},
    },
    "A run's bounds; a caller may lower them, never raise them.",
)

PARAM = _closed(
    {
        "type": {"enum": ["string", "number", "integer", "boolean", "array", "object", "models"]},
        "default": {"description": "The value when the caller gives none."},
        "description": {"type": "string"},
        "enum": {"type": "array", "minItems": 1},
        **{word: {"type": "number"} for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")},
        **{word: {"type": "integer", "minimum": 0} for word in ("minLength", "maxLength", "minItems", "maxItems")},
        "pattern": {"type": "string"},
        "items": {"type": "object"},
        "uniqueItems": {"type": "boolean"},
    },
    "A parameter: a JSON Schema with a default. `models` is a list of models.",
    required=["type", "default"],
)
