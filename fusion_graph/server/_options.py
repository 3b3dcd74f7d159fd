"""How a server is set: the `[server]` table of `fusiongraph.toml` with the command line over it. Pure; whoever reads
files and the environment hands both in."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from fusion_graph.errors import UsageError
from fusion_graph.facts import Facts, read_facts

SCOPES: Mapping[str, str] = {"chat_completions": "total", "messages": "final", "responses": "final"}
"""What `usage` counts if nobody says otherwise, by the name of the endpoint: `total`, every attempt of a run; `final`,
the writer's alone, which coding agents read as how full their context is. The `fusion` block has both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Every bound of the server. Lists in the file are tuples here."""

    host: str = "127.0.0.1"
    port: int = 8377
    hosts: tuple[str, ...] = ()  # further names under which clients may call it; "*" = any
    origins: tuple[str, ...] = ()  # web pages that may call it, exact; empty = none
    proxies: tuple[str, ...] = ()  # addresses and networks whose X-Forwarded-For is believed
    allow_models: tuple[str, ...] = ()  # patterns of models that a request may name, beside those of the pipelines
    aliases: Mapping[str, str] = field(default_factory=dict)  # a further name -> a pipeline
    facts: Mapping[str, Facts] = field(default_factory=dict)  # of models: windows, what they read
    usage_scope: Mapping[str, str] = field(default_factory=lambda: dict(SCOPES))  # an endpoint -> what `usage` counts
    expose_panel: bool = True  # the pipelines' models are served on their own too
    max_connections: int = 4096  # of one peer, which may be a proxy
    max_runs: int = 256  # at once
    max_queue: int = 256  # waiting for a place
    queue_s: float = 30.0
    deadline_s: float = 540.0  # of one run; below the 600 s after which clients give up
    drain_s: float = 30.0  # how long running answers may go on after SIGTERM
    max_body_bytes: int = 32 << 20
    body_s: float = 30.0  # to send it
    header_s: float = 15.0
    write_s: float = 30.0  # how long a client may not read
    tls_cert: str = ""  # files in PEM form; both or none
    tls_key: str = ""
    max_calls: int = 256  # that one request may lead to, nothing retried
    max_n: int = 8
    max_depth: int = 1  # of fusions that call fusions; a request that comes from that deep convenes no panel
    log_json: bool = False
    log_content: bool = False  # prompts and answers in the log
    insecure_open: bool = False  # reachable from elsewhere, without keys

    @property
    def loopback(self) -> bool:
        """Only this machine can reach it."""
        return is_loopback(self.host)


HIDDEN = frozenset({"log_json", "log_content", "insecure_open"})
"""Decided on the command line, each time."""


def read_options(table: Mapping[str, Any], **given: Any) -> ServerOptions:
    """The file's table, and over it what was `given` and is not None. Raises UsageError that names the key."""
    known = {f.name: f for f in fields(ServerOptions) if f.name not in HIDDEN}
    defaults = ServerOptions()
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name == "keys_file":  # read with the keys
            continue
        if name not in known:
            raise UsageError(f"[server]: there is no key {name}", hint=f"known: {', '.join(known)}, keys_file")
        values[name] = READERS[name](value) if name in READERS else _typed(name, value, getattr(defaults, name))
    values |= {name: value for name, value in given.items() if value is not None}
    return replace(defaults, **values)


def _scopes(table: Any) -> Mapping[str, str]:
    if not isinstance(table, dict) or not table.keys() <= SCOPES.keys():
        raise UsageError(f"[server]: usage_scope cannot be {table!r}", hint=f"a table; known: {', '.join(SCOPES)}")
    for name, scope in table.items():
        if scope not in ("total", "final"):
            raise UsageError(f"[server.usage_scope]: {name} cannot be {scope!r}", hint="total or final")
    return {**SCOPES, **table}


READERS: Mapping[str, Callable[[Any], Any]] = {"facts": read_facts, "usage_scope": _scopes}
"""Keys whose tables have a form of their own."""


def _typed(name: str, value: Any, default: Any) -> Any:
    if isinstance(default, tuple) and isinstance(value, list) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if isinstance(default, float) and isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(value)
    if isinstance(default, bool | str) and type(value) is type(default):
        return value
    if type(default) is int and type(value) is int and value >= 0:
        return value
    if isinstance(default, dict) and isinstance(value, dict) and all(isinstance(v, str) for v in value.values()):
        return value
    raise UsageError(f"[server]: {name} cannot be {value!r}", hint=f"like {default!r}")


def is_loopback(host: str) -> bool:
    """An address of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
