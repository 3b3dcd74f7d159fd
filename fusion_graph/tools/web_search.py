"""web_search: what a search service finds for a query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from fusion_graph.contracts import Tool
from fusion_graph.errors import ToolError
from fusion_graph.tools._site import Site
from fusion_graph.tools._web.search import Hit

_MOST = 20
_TEXT = 600
UNTITLED = "(untitled)"


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
    lines = [f"{number}. {_line(hit.title) or UNTITLED}", _line(hit.url), _line(hit.text)[:_TEXT]]
    return "\n".join(line for line in lines if line)


def _line(text: str) -> str:
    return " ".join(text.split())


def _sources(told: str) -> tuple[tuple[str, str], ...]:
    """Of what `_told` wrote: each result has a line of its own for its title and its address."""
    results = [block.split("\n") for block in told.split("\n\n")]
    return tuple((lines[1], lines[0].partition(". ")[2]) for lines in results if len(lines) > 1)


def _is_blocked(url: str, blocked: tuple[str, ...]) -> bool:
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return True
    return any(host == domain or host.endswith(f".{domain}") for domain in (d.rstrip(".").lower() for d in blocked))


TOOL = Tool(
    name="web_search",
    description="Search the web. Returns titles, addresses and short texts. A page is read with the fetching tool.",
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
    sources=_sources,
    lacks=lambda site: "" if site.search else "no search service was set up",
)
