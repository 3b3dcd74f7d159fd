"""A server that asks itself: refused when pipelines are loaded (wire contract on recursion). Rings through other
servers end by the depth header."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from fusion_graph.contracts import Backend
from fusion_graph.errors import UsageError
from fusion_graph.graph.bound import Bound

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (compared with, not listened on)
PORTS = {"http": 80, "https": 443}


def refuse_ring(bound: Bound, backends: Mapping[str, Backend], default: str, host: str, port: int) -> None:
    """Raises UsageError for a node whose backend is where we listen ourselves. A port of 0 is not known yet."""
    for ref, node in bound.models.items():
        backend = backends.get(ref.backend or default)
        if backend is not None and points_at(backend.base_url, host, port):
            raise UsageError(
                f"{bound.pipeline.name}: node {node.id!r} calls backend {backend.name!r}, which is this server itself",
                hint="give the backend another address, or the server another port",
            )


def points_at(address: str, host: str, port: int) -> bool:
    """Whether an upstream's address leads to this host and port, as far as names tell."""
    parts = urlsplit(address)
    theirs = parts.hostname or ""
    if not port or (parts.port or PORTS.get(parts.scheme, 0)) != port:
        return False
    return theirs == host or (_is_local(theirs) and (_is_local(host) or host in EVERYWHERE))


def _is_local(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    return address.is_loopback or str(address) in EVERYWHERE
