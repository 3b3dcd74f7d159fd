"""Ways to search the web: DuckDuckGo's Instant Answer without a key; Tavily, Brave and SearXNG with theirs; any
function.

Which one is used is the settings' word (`TAVILY_API_KEY`, `BRAVE_API_KEY`, `SEARXNG_URL`), or Python's.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import aiohttp

from fusion_graph.errors import ToolError, UsageError

SECONDS = 15.0
MAX_BYTES = 2_000_000


class Hit(NamedTuple):
    """One result."""

    title: str
    url: str
    text: str = ""


Search: TypeAlias = Callable[[str, int], Awaitable[Sequence[Hit]]]
"""A query and how many results are wanted at most."""


SERVICES: Mapping[str, str] = {"tavily": "TAVILY_API_KEY", "brave": "BRAVE_API_KEY", "searxng": "SEARXNG_URL"}
"""The variable that each needs. DuckDuckGo needs none."""


def choose(keys: Mapping[str, str], service: str = "") -> tuple[str, Search]:
    """A service's name and its search: the one asked for, else the first whose key or address is set. Raises UsageError
    for one that lacks it."""
    if service in SERVICES:
        variable = SERVICES[service]
        if not keys.get(variable):
            raise UsageError(
                f"searching with {service} needs {variable}", hint="set it, or another `search` in [tools]"
            )
        keys = {variable: keys[variable]}
    elif service == "duckduckgo":
        keys = {}
    elif service:
        raise UsageError(f"there is no search service {service}", hint=f"duckduckgo, {', '.join(SERVICES)}")
    if key := keys.get("TAVILY_API_KEY"):
        return "tavily", tavily(key)
    if key := keys.get("BRAVE_API_KEY"):
        return "brave", brave(key)
    if address := keys.get("SEARXNG_URL"):
        return "searxng", searxng(address)
    return "duckduckgo", duckduckgo()


def of_function(function: Callable[..., Any]) -> Search:
    """A search made of any function of a query, plain or async, whose results are hits, maps with title, url and text,
    or texts."""

    async def search(query: str, _most: int) -> Sequence[Hit]:
        found = function(query)
        if inspect.isawaitable(found):
            found = await found
        return [_hit(entry) for entry in ([found] if isinstance(found, str) else found)]

    return search


def duckduckgo(base: str = "https://api.duckduckgo.com/") -> Search:
    """Instant answers only: facts and topics, no list of pages."""

    async def search(query: str, most: int) -> Sequence[Hit]:
        asked = {"q": query, "format": "json", "no_html": "1", "skip_disambig": "1"}
        body = await _ask("GET", base, params=asked)
        hits = []
        if body.get("AbstractText"):
            hits.append(Hit(str(body.get("Heading") or query), _text(body, "AbstractURL"), str(body["AbstractText"])))
        if body.get("Answer") and isinstance(body["Answer"], str):
            hits.append(Hit("Answer", "", body["Answer"]))
        topics = list(_topics(body.get("RelatedTopics")))
        hits += [
            Hit(_text(t, "Text").partition(" - ")[0][:120], _text(t, "FirstURL"), _text(t, "Text")) for t in topics
        ]
        return hits[:most]

    return search


def tavily(key: str, base: str = "https://api.tavily.com/search") -> Search:
    async def search(query: str, most: int) -> Sequence[Hit]:
        headers = {"Authorization": f"Bearer {key}"}
        body = await _ask("POST", base, headers=headers, sent={"query": query, "max_results": most})
        return _hits(body.get("results"), "content")

    return search


def brave(key: str, base: str = "https://api.search.brave.com/res/v1/web/search") -> Search:
    async def search(query: str, most: int) -> Sequence[Hit]:
        headers = {"X-Subscription-Token": key, "Accept": "application/json"}
        body = await _ask("GET", base, headers=headers, params={"q": query, "count": str(min(most, 20))})
        web = body.get("web")
        return _hits(web.get("results") if isinstance(web, dict) else None, "description")

    return search


def searxng(address: str) -> Search:
    async def search(query: str, most: int) -> Sequence[Hit]:
        body = await _ask("GET", f"{address.rstrip('/')}/search", params={"q": query, "format": "json"})
        return _hits(body.get("results"), "content")[:most]

    return search


# --- what they share --------------------------------------------------------------------------------------------------


async def _ask(
    method: str,
    address: str,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    sent: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """One JSON answer. Raises ToolError that holds neither key nor body."""
    try:
        async with (
            asyncio.timeout(SECONDS),
            aiohttp.ClientSession() as web,
            web.request(method, address, params=params, headers=headers, json=sent, allow_redirects=False) as answer,
        ):
            body = await answer.content.read(0)
            while len(body) <= MAX_BYTES and (piece := await answer.content.readany()):
                body += piece
            if answer.status not in (200, 202):
                raise ToolError(f"the search service answered with status {answer.status}")
        found = json.loads(body)
    except TimeoutError:
        raise ToolError(f"the search service did not answer within {SECONDS:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError, RecursionError) as fault:
        raise ToolError(f"the search service cannot be used: {type(fault).__name__}") from None
    if not isinstance(found, dict):
        raise ToolError("the search service answered with something else than results")
    return found


def _hits(entries: Any, text: str) -> list[Hit]:
    if not isinstance(entries, list):
        return []
    return [Hit(_text(e, "title"), _text(e, "url"), _text(e, text)) for e in entries if isinstance(e, dict)]


def _hit(entry: Any) -> Hit:
    if isinstance(entry, Hit):
        return entry
    if isinstance(entry, Mapping):
        text = next((entry[name] for name in ("text", "content", "snippet", "description") if entry.get(name)), "")
        return Hit(_text(entry, "title"), _text(entry, "url"), str(text))
    return Hit("", "", str(entry))


def _topics(entries: Any) -> Iterable[Mapping[str, Any]]:
    """Topics stand one by one or in groups."""
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("Text"):
            yield entry
        elif isinstance(entry, dict):
            yield from _topics(entry.get("Topics"))


def _text(entry: Mapping[str, Any], name: str) -> str:
    return str(entry.get(name) or "")
