"""How callers get in: an endpoint of the server, a command of the program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One endpoint: method, path, handler, and the rule that says who may call it."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One subcommand, loaded when it is used: `module` holds a click command named COMMAND."""

    name: str
    summary: str
    module: str
