"""Any address that speaks the OpenAI chat-completions API. The client itself is loaded when the first call is made."""

from __future__ import annotations

from urllib.parse import urlsplit

from fusion_graph.contracts import Backend, Client, Provider
from fusion_graph.errors import UsageError


def open_client(backend: Backend) -> Client:
    """Options of the backend: `stream`, `include_usage` (true), `max_tokens_field`. Raises UsageError for a base URL
    that is not plain http or https."""
    _check_address(backend)
    from fusion_graph.providers._openai.client import OpenAIClient

    return OpenAIClient(backend)


def _check_address(backend: Backend) -> None:
    try:
        parts = urlsplit(backend.base_url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(
            f"backend {backend.name}: the base URL is not an http or https address",
            hint="it looks like https://host/api/v1",
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise UsageError(
            f"backend {backend.name}: the base URL holds a user name, a query or a fragment",
            hint="keys belong in an environment variable",
        )


PROVIDER = Provider(
    name="openai", summary="any OpenAI-compatible address, by HTTP", open=open_client, needs_key=False, free=False
)
