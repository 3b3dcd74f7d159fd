"""A call of a tool in a line of plain words, as people are told of it. Pure; what does not fit is shown as it came."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from fusion_graph.engine.tooluse import short

WIDTH = 160


def caption(tool: str, arguments: str) -> str:
    """`edit app.py`, `$ make test`, `read app.py from line 10`."""
    try:
        given = json.loads(arguments)
        told = _TOLD[tool](given) if tool in _TOLD else _plain(tool, given)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        told = f"{tool} {short(arguments, WIDTH)}"
    return _line(told)


def _read(given: Mapping[str, Any]) -> str:
    start, end = given.get("start"), given.get("end")
    span = f", lines {start or 1} to {end}" if end else f" from line {start}" if start else ""
    return f"read {given['path']}{span}"


def _search(given: Mapping[str, Any]) -> str:
    where = [f"in {given[name]}" for name in ("path", "files") if given.get(name) not in (None, "", ".")]
    return " ".join(["search for", given["pattern"], *where])


def _plain(tool: str, given: Mapping[str, Any]) -> str:
    return " ".join([tool, *(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in given.items())])


_TOLD: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "read_file": _read,
    "write_file": lambda given: f"write {given['path']}",
    "edit_file": lambda given: f"edit {given['path']}" + (" at every place" if given.get("every") else ""),
    "list_files": lambda given: " ".join(["list", given.get("path") or ".", given.get("pattern") or ""]).strip(),
    "search_files": _search,
    "bash": lambda given: f"$ {given['command']}",
    "web_search": lambda given: f"search the web for {given['query']}",
    "web_fetch": lambda given: f"fetch {given['url']}",
    "council": lambda given: f"ask the council: {given['question']}",
}


def _line(text: str) -> str:
    first, _, rest = text.strip().partition("\n")
    cut = first if len(first) <= WIDTH else f"{first[: WIDTH - 4]} ..."
    more = rest.count("\n") + 1 if rest.strip() else 0
    return f"{cut} [{more} more line{'s' if more > 1 else ''}]" if more else cut
