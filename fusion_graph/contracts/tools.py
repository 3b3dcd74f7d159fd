"""What a tool is: something a model may call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

JsonSchema: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Something a model may call. `parameters` is a JSON Schema; `run` gets arguments that fit it and the site (what
    tools may touch in this process, `tools/_site`), and returns text. What goes wrong is a ToolError: the model is
    told. `lacks(site)` says why it cannot run there, "" when it can.
    `local`: it touches this machine, so whoever starts the program must allow it by name. `mutates`: it changes
    something, so it runs alone and an agent may have to ask first. `ends`: a call of it ends an agent's work.
    `checked`: arguments are checked against `parameters` before it runs; off where a stranger wrote them.
    """

    name: str
    description: str
    parameters: JsonSchema
    run: Callable[[Mapping[str, Any], Any], Awaitable[str]]
    lacks: Callable[[Any], str] = lambda _site: ""
    local: bool = False
    mutates: bool = False
    ends: bool = False
    checked: bool = True
    sources: Callable[[str], tuple[tuple[str, str], ...]] = lambda _text: ()  # address, title of what a text is from
