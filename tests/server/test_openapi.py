"""GET /openapi.json says what the routes really do. `_shapes/document` writes it, of `_shapes/words` and
`_shapes/wires`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fusion_graph.server import ROUTES
from fusion_graph.server._auth import Key, digest_of
from fusion_graph.server._shapes.document import document
from fusion_graph.server._wires.chat import READ
from tests.server.stand import Stand, events_of, stand
from tests.server.wires import sse

DOCUMENT = document(ROUTES, "1")
VALUES: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-10, 10)
    | st.floats(-3, 3)
    | st.text(max_size=4)
    | st.just([])
    | st.just({})
)
REQUEST: dict[str, Any] = DOCUMENT["components"]["schemas"]["ChatRequest"]


def made_of(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that fit a schema of ours."""
    if "anyOf" in schema:
        return st.one_of(*map(made_of, schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    least, most = schema.get("minimum"), schema.get("maximum")
    made: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
        "string": lambda: st.text(min_size=schema.get("minLength", 0), max_size=8),
        "integer": lambda: st.integers(least, most),
        "number": lambda: st.floats(least, most),
        "boolean": st.booleans,
        "null": st.none,
        "array": lambda: st.lists(made_of(schema["items"]), min_size=schema.get("minItems", 0), max_size=3),
        "object": lambda: _objects(schema),
    }
    return made[schema["type"]]()


def _objects(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    parts = {name: made_of(part) for name, part in schema.get("properties", {}).items()}
    required = {name: parts.pop(name) for name in schema.get("required", ())}
    return st.fixed_dictionaries(required, optional=parts)


FITTING = {name: made_of(part) for name, part in REQUEST["properties"].items() if name not in ("model", "messages")}
BODIES = st.fixed_dictionaries({}, optional=FITTING)
"""Whole requests as the document writes them."""
ODD = st.fixed_dictionaries({}, optional=dict.fromkeys(REQUEST["properties"], VALUES))
"""Requests with something else in any field that the document names."""

SHAPES = [
    ("/livez", "Status"),
    ("/readyz", "Status"),
    ("/health", "Health"),
    ("/v1/models", "Models"),
    ("/v1/models/fusion", "Model"),
    ("/nope", "Error"),
]


def fits(name: str, value: Any) -> bool:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return not [*Draft202012Validator(schema).iter_errors(value)]


def test_every_route_is_there() -> None:
    found = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert found == {(route.method, route.path) for route in ROUTES.values()}
    for methods in DOCUMENT["paths"].values():
        assert all(operation["summary"] for operation in methods.values())


@pytest.mark.parametrize(("path", "name"), SHAPES)
async def test_answers_have_their_shapes(path: str, name: str) -> None:
    async with stand() as at, at.session.get(at.url(path)) as response:
        assert fits(name, await response.json())


async def test_answers_of_chat_have_their_shapes() -> None:
    async with stand() as at:
        _, body = await at.ask()
        events = await at.stream(stream_options={"include_usage": True})
        async with at.session.get(at.url("/openapi.json")) as response:
            assert (await response.json())["paths"] == json.loads(json.dumps(DOCUMENT["paths"]))
    assert fits("Completion", body)
    assert all(fits("Chunk", event) for event in events[:-1])


@pytest.mark.parametrize("kind", ["as written", "odd"])
async def test_any_request_is_answered_as_written(kind: str) -> None:
    """What fits the schema of requests is never a wrong type; what does not fit is a 400; nothing is a 500."""
    bodies: list[dict[str, Any]] = []

    @settings(max_examples=150, database=None, suppress_health_check=list(HealthCheck))
    @given(BODIES if kind == "as written" else ODD)
    def collect(body: dict[str, Any]) -> None:
        bodies.append(body)

    collect()
    async with stand(max_runs=8) as at:
        answered = [await check(at, body) for body in bodies]
    if kind == "as written":
        assert answered.count(200) > 10  # it is not refused for something else


async def check(at: Stand, given: dict[str, Any]) -> int:
    body = {"model": "one", "messages": [{"role": "user", "content": "Why?"}], **given}
    async with at.session.post(at.url("/v1/chat/completions"), json=body) as response:
        status, text = response.status, await response.text()
    told = DOCUMENT["paths"]["/v1/chat/completions"]["post"]["responses"]
    assert str(status) in told, (body, text)
    if not fits("ChatRequest", body):
        assert status == 400, (body, text)
    elif status == 400:  # a rule beyond types: it has a name all the same
        assert json.loads(text)["error"]["param"], (body, text)
    else:
        assert status in (200, 404, 502), (body, text)
    if response.content_type == "text/event-stream":
        *chunks, done = events_of(text)
        assert done == "[DONE]" or fits("Error", done)
        assert all(fits("Chunk", chunk) for chunk in chunks)
    else:
        assert fits("Completion" if status == 200 else "Error", json.loads(text)), (body, text)
    return status


@pytest.mark.parametrize("name", ROUTES)
async def test_key_is_asked_for_where_it_is_written(name: str) -> None:
    route = ROUTES[name]
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    path = route.path.replace("{id}", "fusion")
    async with (
        stand(keys=[Key(name="k", digest=digest_of("k" * 20))]) as at,
        at.session.request(route.method, at.url(path), json={}) as response,
    ):
        assert (response.status == 401) is bool(operation["security"])
        assert str(response.status) in operation["responses"]


def test_every_field_that_is_read_is_written() -> None:
    written = set(REQUEST["properties"])
    assert written == READ - {"functions", "function_call"}  # the older forms are taken and not advertised


# --- the other wires ---


ASKED: dict[str, Any] = {"model": "one", "messages": [{"role": "user", "content": "Why?"}]}
ENDPOINTS = [
    ("/v1/messages", "MessagesRequest", "Message", "MessagesError", {**ASKED, "max_tokens": 5}),
    ("/v1/messages/count_tokens", "CountRequest", "Count", "MessagesError", ASKED),
    ("/v1/responses", "ResponsesRequest", "Response", "Error", {"model": "one", "input": "Why?"}),
]
OTHERS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        (
            "model", "messages", "stream", "temperature", "top_p", "stop", "input", "system", "stop_sequences",
            "instructions", "max_output_tokens", "max_tokens", "parallel_tool_calls", "reasoning", "tools", "fusion",
        ),
        VALUES,
    ),
)  # fmt: skip


@pytest.mark.parametrize(("path", "asked", "answer", "error", "plain"), ENDPOINTS)
async def test_any_request_of_the_other_wires_is_answered_as_written(
    path: str, asked: str, answer: str, error: str, plain: dict[str, Any]
) -> None:
    """What fits the schema of requests is never a wrong type; what does not fit is a 400; nothing is a 500."""
    bodies: list[dict[str, Any]] = []

    @settings(max_examples=150, database=None, suppress_health_check=list(HealthCheck))
    @given(OTHERS)
    def collect(body: dict[str, Any]) -> None:
        bodies.append(body)

    collect()
    async with stand() as at:
        for body in bodies:
            async with at.session.post(at.url(path), json={**plain, **body}) as response:
                status, text, media = response.status, await response.text(), response.content_type
            if fits(asked, {**plain, **body}):
                # what no schema says (a name that is not there, two fields that do not go together) is told by its path
                assert status in (200, 400, 404), (body, text)
                assert status != 400 or error == "MessagesError" or json.loads(text)["error"]["param"], (body, text)
            else:
                assert status == 400, (body, text)
            if media == "application/json":
                assert fits(answer if status == 200 else error, json.loads(text)), (body, text)


async def test_answers_of_the_other_wires_have_their_shapes() -> None:
    async with stand() as at:
        for (path, _, answer, _, plain), event in zip(ENDPOINTS[::2], ("MessagesEvent", "ResponsesEvent"), strict=True):
            async with at.session.post(at.url(path), json={**plain, "model": "fusion"}) as response:
                assert fits(answer, await response.json())
            async with at.session.post(at.url(path), json={**plain, "stream": True}) as response:
                assert all(fits(event, told) for told in sse(await response.text()))
