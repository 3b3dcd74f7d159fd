"""Tests of a pipeline as values, and their schema: what the models reply, and how the run is to end. Read by
`graph/reading/pipeline_tests`, run by `testing`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

from fusion_graph.graph.fragments import ID, REF, Schema

TRANSIENT = (
    *("connect_error", "empty_output", "invalid_output", "malformed_stream", "rate_limited"),
    *("truncated_stream", "upstream_5xx", "upstream_error"),
)
PERMANENT = (
    *("auth_failed", "bad_request", "content_filter", "context_length", "insufficient_credits", "invalid_model"),
)
NEVER = "timeout"  # no content comes, until the engine gives up


BESIDE = ".tests"  # NAME.tests.yaml holds tests of NAME.yaml


def is_tests(file: PurePath) -> bool:
    """By its name: tests beside a pipeline, and no pipeline."""
    return file.stem.endswith(BESIDE)


class Reply(NamedTuple):
    """What one attempt gets, `after_s` seconds after it left: a text, or a failure by its reason code."""

    text: str = ""
    fails: str = ""
    after_s: float = 0.0
    retry_after_s: float | None = None
    truncated: bool = False


class Wanted(NamedTuple):
    """How the answer's text is to be: each that is set must hold."""

    equals: str | None = None
    matches: str | None = None
    contains: str | None = None


class Expected(NamedTuple):
    """What is to be checked; None: anything goes."""

    state: str | None = None
    error: str | None = None
    answer: Wanted | None = None
    nodes: Mapping[str, str] = {}
    degraded: tuple[tuple[str, str], ...] | None = None
    calls: int | None = None
    attempts: int | None = None


class PipelineTest(NamedTuple):
    """`replies` by node id: one per attempt, the last one again and again."""

    name: str
    expect: Expected
    replies: Mapping[str, tuple[Reply, ...]]
    prompt: str = "Why?"
    params: Mapping[str, Any] = {}
    seed: int | None = None


# --- the schema -------------------------------------------------------------------------------------------------------


def _closed(text: str, properties: Schema, **more: Any) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False, "description": text, **more}


_ONE: Schema = _closed(
    "A reply: its text, or `text`, `json` or `fails`.",
    {
        "text": {"type": "string", "description": "What the model writes."},
        "json": {"description": "The same, as a value; for judges."},
        "fails": {"enum": [*TRANSIENT, *PERMANENT, NEVER], "description": "It fails with this reason code."},
        "after_s": {
            "type": "number",
            "minimum": 0,
            "maximum": 86_400,
            "description": "How long it takes; else 0.",
        },
        "retry_after_s": {"type": "number", "minimum": 0, "maximum": 86_400, "description": "A failure's Retry-After."},
        "truncated": {"type": "boolean", "description": "Cut off at its token limit."},
    },
)
_ONE_OF: Schema = {**_ONE, "type": ["string", "object"]}
_REPLY: Schema = {**_ONE, "type": ["string", "object", "array"], "items": _ONE_OF, "minItems": 1, "maxItems": 100}
_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_EXPECT = _closed(
    "How the run is to end. What is not named is not looked at.",
    {
        "state": {"enum": ["ok", "degraded", "failed"], "description": "The run's."},
        "error": {"type": "string", "description": "The reason code of a run that failed."},
        "answer": {
            **_closed("", {"equals": _TEXT, "matches": _TEXT, "contains": _TEXT}),
            "type": ["string", "object"],
            "minProperties": 1,
            "description": "The answer's text, or what it `equals`, `matches` (a regular expression) or `contains`.",
        },
        "nodes": {
            "type": "object",
            "propertyNames": {"pattern": f"^{REF}$"},
            "additionalProperties": {"type": "string", "pattern": r"^(ok|skipped|failed|cancelled)( [a-z0-9_:/.-]+)?$"},
            "description": "Node states, perhaps with a reason: `ok`, `skipped not_needed`, `failed rate_limited`.",
        },
        "degraded": {
            "type": "array",
            "maxItems": 1000,
            "items": _closed("", {"node": _TEXT, "reason": _TEXT}, required=["node", "reason"]),
            "description": "All entries, in order.",
        },
        "calls": {**_COUNT, "description": "How many calls are made; retries of one are the same call."},
        "attempts": {**_COUNT, "description": "How many requests reach a model, retries too."},
    },
    minProperties=1,
)
TESTS: Schema = {
    "type": "array",
    "maxItems": 200,
    "description": "Tests for `fusiongraph test`: stub replies, and how the run is to end.",
    "items": _closed(
        "One run on stubs.",
        {
            "name": {"type": "string", "minLength": 1, "maxLength": 200, "description": "What it shows."},
            "prompt": {"type": "string", "minLength": 1, "description": "`Why?` if absent."},
            "params": {
                "type": "object",
                "propertyNames": {"pattern": f"^{ID}$"},
                "description": "Values of parameters.",
            },
            "seed": {"type": "integer", "minimum": 0, "description": "The run's."},
            "replies": {
                "type": "object",
                "propertyNames": {"pattern": f"^{REF}$"},
                "additionalProperties": _REPLY,
                "description": "By node: a reply, or a list with one per attempt, the last one again and again. "
                "Other nodes are answered by simulated models.",
            },
            "expect": _EXPECT,
        },
        required=["name", "expect"],
    ),
}
