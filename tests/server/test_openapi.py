"""GET /openapi.json says what the routes really do. `_schema` writes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fusion_graph.server import ROUTES
from fusion_graph.server._schema import document
from tests.server.stand import Stand, stand

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
FIELDS = ("model", "messages", "stream", "temperature", "top_p", "frequency_penalty", "n", "seed", "max_tokens", "stop")
BODIES = st.fixed_dictionaries({}, optional=dict.fromkeys((*FIELDS, "tools", "response_format", "fusion"), VALUES))

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


async def test_any_request_is_answered_as_written() -> None:
    """What fits the schema of requests is never a wrong type; what does not fit is a 400; nothing is a 500."""
    bodies: list[dict[str, Any]] = []

    @settings(max_examples=150, database=None, suppress_health_check=list(HealthCheck))
    @given(BODIES)
    def collect(body: dict[str, Any]) -> None:
        bodies.append(body)

    collect()
    async with stand() as at:
        for body in bodies:
            await check(at, body)


async def check(at: Stand, given: dict[str, Any]) -> None:
    body = {"model": "one", "messages": [{"role": "user", "content": "Why?"}], **given}
    async with at.session.post(at.url("/v1/chat/completions"), json=body) as response:
        text = await response.text()
        if fits("ChatRequest", body):
            assert response.status in (200, 404) or json.loads(text)["error"]["param"], (body, text)
        else:
            assert response.status == 400, (body, text)
        if response.content_type == "application/json":
            assert fits("Completion" if response.status == 200 else "Error", json.loads(text))
