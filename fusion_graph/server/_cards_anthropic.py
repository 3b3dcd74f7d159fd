"""The list of models as the Messages API has it (wire contract 1.10), made of our own cards. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

VERSION = "anthropic-version"
"""The header by which its clients are known."""


def card(ours: Mapping[str, Any]) -> dict[str, Any]:
    """What is not known is absent."""
    created = datetime.fromtimestamp(ours["created"], UTC).isoformat().replace("+00:00", "Z")
    windows = {
        "max_input_tokens": ours.get("context_length"),
        "max_tokens": (ours.get("top_provider") or {}).get("max_completion_tokens"),
    }
    entry = {"type": "model", "id": ours["id"], "display_name": ours["name"], "created_at": created}
    return entry | {name: size for name, size in windows.items() if size is not None}


def cards(ours: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All of them on one page."""
    data = [card(one) for one in ours]
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {"data": data, "has_more": False, "first_id": first, "last_id": last}
