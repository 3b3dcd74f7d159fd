"""The JSON Schemas of both forms, composed from the kinds' own fragments and those in `graph/fragments`.

`node_schema` is what one node is checked against: its kind chooses it, never a `oneOf`. `graph_document` and
`panel_document` are what editors get, written to `schemas/` and kept fresh by a test.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fusion_graph.contracts import Kind
from fusion_graph.graph.fragments import (
    CALL,
    COMMON,
    ID,
    LIMITS,
    MEMBER_KEY,
    NAME,
    NAMED,
    PARAM,
    REF,
    SEED,
    SHOWN,
    SLUG,
    WHEN,
    Schema,
)
from fusion_graph.graph.pipeline_tests import TESTS

FREE = "^x-"
FIXED = frozenset(("kind", "inputs", "after", "when", "description", "mode", "match", "regex", "schema"))
"""Options that take no parameter: what makes the graph, and what reaches a regex compiler or a schema."""

DRAFT = "https://json-schema.org/draft/2020-12/schema"
CALLED = {key: value for key, value in CALL.items() if key != "model"}


def takes_calls(kind: Kind) -> bool:
    """True when a node of this kind calls a model or makes nodes that do, under some options at least."""
    return kind.structural or kind.calls_model({})


def node_properties(kind: Kind) -> Schema:
    """Every option of a node of this kind."""
    properties = dict(COMMON)
    if takes_calls(kind):
        properties |= CALL
    if kind.presents or kind.structural:
        properties |= SHOWN
    properties |= kind.schema
    if kind.structural and "models" in kind.schema:
        del properties["model"]
        properties["models"] = {**kind.schema["models"], "items": MEMBER}
    return properties


def _open(properties: Mapping[str, Any], required: Iterable[str], **more: Any) -> Schema:
    """An object with these keys, and free ones that begin with `x-`."""
    return {
        "type": "object",
        "properties": dict(properties),
        "patternProperties": {FREE: {}},
        "additionalProperties": False,
        "required": list(required),
        **more,
    }


MEMBER: Schema = {
    "if": {"type": "object"},
    "then": _open({"key": MEMBER_KEY, **CALL, **SHOWN}, ["model"]),
    "else": SLUG,
}


def node_schema(kind: Kind) -> Schema:
    """One node of this kind; its `when` has a checker of its own (`graph/reading/when`)."""
    return _open(node_properties(kind) | {"when": {}}, ["kind", *kind.required])


DEFAULTS = _open(CALLED | SHOWN, (), description="Merged into every node that calls a model.")

CONVENE: Schema = {
    "enum": ["always", "auto"],
    "description": "On the server: the panel always drafts, or the final writer, asked first, may call for it.",
}
FORWARD: Schema = {
    "type": "boolean",
    "description": "On the server: a request's `user`, `metadata`, `service_tier` and the like go to the writer's "
    "backend; false if absent.",
}

GRAPH_TOP: Schema = _open(
    {
        "version": {"const": 1},
        "name": {"type": "string", "pattern": NAME, "description": NAMED},
        "description": {"type": "string"},
        "params": {
            "type": "object",
            "propertyNames": {"pattern": f"^{ID}$"},
            "additionalProperties": PARAM,
            "description": "The only things a caller may change.",
        },
        "limits": LIMITS,
        "seed": SEED,
        "on_tool_turn": {
            "enum": ["writer_only", "full"],
            "description": "A turn after a tool result runs the final writer alone, or the whole graph.",
        },
        "on_forced_tool": {
            "enum": ["full", "writer_only"],
            "description": "A turn that must end in a tool call runs the whole graph, or the final writer alone.",
        },
        "convene": CONVENE,
        "forward": FORWARD,
        "defaults": DEFAULTS,
        "nodes": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": f"^{ID}$"},
            "additionalProperties": {"type": "object"},
            "description": "The nodes by their ids.",
        },
        "output": {"type": "string", "pattern": f"^{REF}$", "description": "The node whose value is the answer."},
        "tests": TESTS,
    },
    ["version", "name", "nodes", "output"],
)
"""The graph form but for its nodes, which are checked one by one."""

LAYERS, SAMPLES, PANEL = 16, 100, 64
"""The most a panel file may ask for."""

PANEL_TOP: Schema = _open(
    {
        "version": {"const": 1},
        "name": GRAPH_TOP["properties"]["name"],
        "description": {"type": "string"},
        "panel": {"type": "array", "minItems": 1, "maxItems": PANEL, "items": MEMBER, "description": "Who drafts."},
        "judge": {**SLUG, "description": "Who compares the drafts."},
        "synthesizer": {**SLUG, "description": "Who writes the answer."},
        "refine": {"type": "boolean", "description": "One more pass of critique and rewrite; false if absent."},
        "layers": {"type": "integer", "minimum": 1, "maximum": LAYERS, "description": "Rounds of drafts; 1 if absent."},
        "samples": {
            "type": "integer",
            "minimum": 1,
            "maximum": SAMPLES,
            "description": "Drafts per panelist; 1 if absent.",
        },
        "diversity": {"type": "boolean", "description": "Spread the panelists' temperatures; true if absent."},
        "diversity_jitter": {"type": "number", "minimum": 0, "maximum": 2, "description": "How wide; 0.3 if absent."},
        "max_retries": {
            "type": "integer",
            "minimum": 0,
            "maximum": 9,
            "description": "After the first try; 2 if absent.",
        },
        "retry_backoff": {"type": "number", "minimum": 0, "maximum": 60, "description": "Seconds; 0.5 if absent."},
        "max_concurrency": {"type": "integer", "minimum": 0, "description": "Calls at once; 0 = no cap, if absent."},
        "tools_enabled": {"type": "boolean", "description": "Whether the panelists' `tools` count; false if absent."},
        "temperature": {**CALL["temperature"], "description": "The panel's; 0.7 if absent, null = not sent."},
        "max_tokens": {**CALL["max_tokens"], "description": "Of every call; not sent if absent."},
        "quorum": {
            "type": ["integer", "string"],
            "minimum": 1,
            "pattern": "^all$",
            "description": "Go on with this many drafts; absent: wait for all, need one.",
        },
        "grace_s": {"type": "number", "minimum": 0, "description": "Seconds for stragglers once the quorum is met."},
        "limits": LIMITS,
        "convene": CONVENE,
        "forward": FORWARD,
        "tests": TESTS,
    },
    ["name", "panel"],
)
"""The panel form."""


TESTS_TOP: Schema = _open({"tests": {**TESTS, "minItems": 1}}, ["tests"])
"""A file of tests beside a pipeline."""


# --- for editors ------------------------------------------------------------------------------------------------------

PARAM_REF: Schema = {"type": "string", "pattern": rf"^\${ID}$", "description": "A parameter in the place of a value."}
SHARED: Schema = {**{k: v for k, v in COMMON.items() if k not in ("kind", "when")}, **CALL, **SHOWN}
"""Options of many kinds, said once in a published schema."""


def graph_document(kinds: Mapping[str, Kind]) -> Schema:
    """The published schema of the graph form; every value may also be a `$param`."""
    tops = GRAPH_TOP["properties"]
    names = {"enum": list(kinds), "description": "; ".join(f"{k.name}: {k.summary}" for k in kinds.values())}
    node = {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": names},
        "allOf": [_choice(name, node_schema(kind)) for name, kind in kinds.items()],
    }
    open_tops = _with_params({key: tops[key] for key in ("limits", "seed", "defaults")})
    nodes = {**tops["nodes"], "additionalProperties": {"$ref": "#/$defs/node"}}
    return {
        "$schema": DRAFT,
        "title": "fusion_graph pipeline, graph form",
        **GRAPH_TOP,
        "properties": {**tops, **open_tops, "nodes": nodes},
        "$defs": {
            "node": node,
            "when": WHEN,
            "param": PARAM_REF,
            "member": _inside(MEMBER),
            **{f"option-{key}": value for key, value in _with_params(SHARED, shared=False).items()},
        },
    }


def panel_document() -> Schema:
    """The published schema of the panel form."""
    return {"$schema": DRAFT, "title": "fusion_graph pipeline, panel form", **PANEL_TOP}


def tests_document() -> Schema:
    """The published schema of a file of tests."""
    return {"$schema": DRAFT, "title": "fusion_graph pipeline tests", **TESTS_TOP}


def _choice(name: str, schema: Schema) -> Schema:
    fixed = {"kind": {"const": name}, "when": {"$ref": "#/$defs/when"}}
    properties = {**_with_params(schema["properties"]), **fixed}
    return {"if": {"properties": {"kind": {"const": name}}}, "then": {**schema, "properties": properties}}


def _with_params(properties: Mapping[str, Any], *, shared: bool = True) -> Schema:
    """Properties whose values may be parameters, but for the fixed ones. `shared`: refer to what is said once."""
    return {
        key: {"$ref": f"#/$defs/option-{key}"}
        if shared and value is SHARED.get(key)
        else value
        if key in FIXED
        else {"anyOf": [_inside(value), {"$ref": "#/$defs/param"}]}
        for key, value in properties.items()
    }


def _inside(schema: Schema) -> Schema:
    """A schema whose parts may be parameters too."""
    result = dict(schema)
    if "properties" in result:
        result["properties"] = _with_params(result["properties"])
    if result.get("items") is MEMBER:
        result["items"] = {"anyOf": [{"$ref": "#/$defs/member"}, {"$ref": "#/$defs/param"}]}
    elif "items" in result:
        result["items"] = {"anyOf": [_inside(result["items"]), {"$ref": "#/$defs/param"}]}
    if "then" in result:
        result |= {"then": _inside(result["then"]), "else": _inside(result["else"])}
    return result
