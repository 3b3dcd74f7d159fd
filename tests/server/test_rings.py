"""A server that would ask itself is refused when it loads its pipelines."""

from __future__ import annotations

import pytest

from fusion_graph.contracts import Backend
from fusion_graph.errors import UsageError
from fusion_graph.server._rings import points_at, refuse_ring
from tests.graph.walk import bound_of

BOUND = bound_of("a: {kind: proposer, model: m/a}\nb: {kind: proposer, model: m/b@other, inputs: [a]}")


@pytest.mark.parametrize(
    ("address", "host", "port", "own"),
    [
        ("http://127.0.0.1:8377/v1", "127.0.0.1", 8377, True),
        ("http://localhost:8377/v1", "127.0.0.1", 8377, True),
        ("http://[::1]:8377/v1", "localhost", 8377, True),
        ("http://127.0.0.5:8377/v1", "::", 8377, True),
        ("http://fusion.example:8377/v1", "fusion.example", 8377, True),
        ("http://127.0.0.1/v1", "127.0.0.1", 80, True),
        ("http://127.0.0.1:8378/v1", "127.0.0.1", 8377, False),
        ("http://127.0.0.1:8377/v1", "127.0.0.1", 0, False),
        ("https://openrouter.ai/api/v1", "::", 443, False),
        ("", "127.0.0.1", 8377, False),
    ],
)
def test_own_address_is_known(address: str, host: str, port: int, own: bool) -> None:
    assert points_at(address, host, port) is own


def test_node_and_backend_are_named() -> None:
    backends = {
        "far": Backend(name="far", base_url="http://up.example/v1"),
        "other": Backend(name="other", base_url="http://127.0.0.1:8377/v1"),
    }
    with pytest.raises(UsageError, match="node 'b' calls backend 'other', which is this server itself"):
        refuse_ring(BOUND, backends, "far", "127.0.0.1", 8377)
    refuse_ring(BOUND, backends, "far", "127.0.0.1", 8378)
