"""web_search: what a search service finds for a query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from fusion_graph.contracts import Tool
from fusion_graph.errors import ToolError
from fusion_graph.tools._search import Hit
from fusion_graph.tools._site import Site

_MOST = 20
_TEXT = 600


async def _run(arguments: Mapping[str, Any], site: Site) -> str:
    assert site.search is not None
    query = arguments["query"].strip()
    if not query:
        raise ToolError("the query is empty")
    most = arguments.get("max_results", 5)
    blocked = site.web.blocked if site.web else ()
    hits = [hit for hit in await site.search(query, most) if not _is_blocked(hit.url, blocked)]
    if not hits:
        return f"nothing was found for {query!r}; try other words"
    return "\n\n".join(_told(number, hit) for number, hit in enumerate(hits[:most], start=1))


def _told(number: int, hit: Hit) -> str:
    lines = [f"{number}. {hit.title or '(untitled)'}", hit.url, " ".join(hit.text.split())[:_TEXT]]
    return "\n".join(line for line in lines if line)


def _is_blocked(url: str, blocked: tuple[str, ...]) -> bool:
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return True
    return any(host == domain or host.endswith(f".{domain}") for domain in (d.rstrip(".").lower() for d in blocked))


TOOL = Tool(
    name="web_search",
    description="Search the web. Returns titles, addresses and short texts. Read a page with web_fetch.",
    parameters={
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 1, "maxLength": 500, "description": "What to look for."},
            "max_results": {"type": "integer", "minimum": 1, "maximum": _MOST, "description": "At most so many; 5."},
        },
        "required": ["query"],
        "additionalProperties": False,
    },
    run=_run,
    lacks=lambda site: "" if site.search else "no search service was set up",
)
