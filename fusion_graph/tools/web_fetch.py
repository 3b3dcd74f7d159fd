"""web_fetch: the text of one page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fusion_graph.contracts import Tool
from fusion_graph.errors import ToolError
from fusion_graph.tools._site import Site
from fusion_graph.tools._web.page import text_of

_READABLE = ("text/", "application/json", "application/xml", "application/xhtml+xml", "application/ld+json")
_MOST = 40_000
_USUAL = 12_000
UNTITLED = "(untitled)"


async def _run(arguments: Mapping[str, Any], site: Site) -> str:
    assert site.web is not None
    page = await site.web.fetch(arguments["url"])
    if page.status >= 400:
        raise ToolError(f"{page.url} answered with status {page.status}")
    if not page.media.startswith(_READABLE):
        raise ToolError(f"{page.url} is {page.media or 'of no known type'}, not text")
    title, text = await asyncio.to_thread(text_of, page)  # a large page takes a while, and other runs wait for the loop
    start, most = arguments.get("start", 0), arguments.get("max_chars", _USUAL)
    shown = text[start : start + most]
    if not shown:
        raise ToolError(f"{page.url} holds no text" + (f" from character {start} on" if start else ""))
    rest = len(text) - start - len(shown)
    lines = [f"{' '.join(title.split()) or UNTITLED}\n{page.url}\n", shown]
    if rest > 0:
        lines.append(f"\n[{rest} more characters; go on with start={start + len(shown)}]")
    elif page.cut:
        lines.append("\n[the page is longer than what is read of one]")
    return "\n".join(lines)


def _sources(told: str) -> tuple[tuple[str, str], ...]:
    """A page is told with its title on the first line and its address on the second."""
    title, url, *_ = told.split("\n", 2)
    return ((url, title),)


TOOL = Tool(
    name="web_fetch",
    description="Read the text of a web page (http or https). Long pages come in pieces: use start.",
    parameters={
        "type": "object",
        "properties": {
            "url": {"type": "string", "maxLength": 2000, "description": "The page's whole address."},
            "start": {"type": "integer", "minimum": 0, "description": "Characters to skip; 0."},
            "max_chars": {"type": "integer", "minimum": 100, "maximum": _MOST, "description": f"At most; {_USUAL}."},
        },
        "required": ["url"],
        "additionalProperties": False,
    },
    run=_run,
    sources=_sources,
    lacks=lambda site: "" if site.web else "the web was not opened to tools",
)
