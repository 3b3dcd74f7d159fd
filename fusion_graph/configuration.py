"""`fusiongraph.toml`: what it may say, and what is wrong with it.

It knows no environment: a backend names the variable that holds its key, and `settings` looks it up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fusion_graph.contracts import Backend
from fusion_graph.errors import UsageError
from fusion_graph.toolbox import McpServer

FILE = "fusiongraph.toml"
DEFAULT = "default"
"""The backend that settings make of an address or a key."""
BUILT_IN: Mapping[str, Backend] = {
    "sim": Backend(name="sim", provider="sim", free=True),
    "local": Backend(name="local", provider="local", free=True),
}

TOP: Mapping[str, type] = {
    "default_backend": str,
    "backends": dict,
    "models": dict,
    "server": dict,
    "store": dict,
    "tools": dict,
    "mcp": dict,
}
BACKEND: Mapping[str, type] = {
    "base_url": str,
    "api_key_env": str,
    "max_concurrency": int,
    "requests_per_minute": int,
    "free": bool,
    "tools": bool,
    "json_schema": bool,
}
OPTIONS = frozenset({"json_schema"})
"""Of them, those that are the provider's alone."""
TOOLS: Mapping[str, type] = {"search": str, "blocked_domains": list}
MCP: Mapping[str, type] = {"command": list, "env": list, "url": str, "api_key_env": str}
NAME = re.compile(r"[a-z][a-z0-9_-]*")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What one file says. `key_variables`: backend -> the variable that holds its key."""

    file: Path | None = None
    default_backend: str = ""
    backends: Mapping[str, Backend] = field(default_factory=dict)
    key_variables: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    server: Mapping[str, Any] = field(default_factory=dict)  # as it stands; the server reads it
    store: Mapping[str, Any] = field(default_factory=dict)  # as it stands; the store reads it
    search: str = ""  # the service that web_search asks; "" = the one whose key is set
    blocked_domains: tuple[str, ...] = ()
    mcp: Mapping[str, McpServer] = field(default_factory=dict)  # `unset` holds the variables to look up


def read(path: Path) -> Configuration:
    """Read a file. Raises UsageError that names it and the key at fault."""
    import tomllib  # often there is no file

    try:
        table = tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as fault:
        raise UsageError(f"{path}: {fault}", hint="it must be a readable TOML file") from fault
    _check_keys(table, TOP, str(path))
    entries = table.get("backends", {})
    backends = {name: _backend(name, entry, f"{path}: [backends.{name}]") for name, entry in entries.items()}
    return Configuration(
        file=path,
        default_backend=table.get("default_backend", ""),
        backends=backends,
        key_variables={name: entry["api_key_env"] for name, entry in entries.items() if "api_key_env" in entry},
        models=_models(table.get("models", {}), {**BUILT_IN, DEFAULT: None, **backends}, str(path)),
        server=table.get("server", {}),
        store=table.get("store", {}),
        **_tools(table.get("tools", {}), f"{path}: [tools]"),
        mcp={name: _mcp(name, entry, f"{path}: [mcp.{name}]") for name, entry in table.get("mcp", {}).items()},
    )


def _tools(entry: Mapping[str, Any], where: str) -> dict[str, Any]:
    """`[tools]`: which service searches, and which domains are neither searched nor fetched. It allows nothing: only a
    command line does."""
    _check_keys(entry, TOOLS, where)
    blocked = entry.get("blocked_domains", [])
    if not all(isinstance(domain, str) and domain for domain in blocked):
        raise UsageError(f"{where}: blocked_domains must be a list of domains", hint='["example.com"]')
    return {"search": entry.get("search", ""), "blocked_domains": tuple(blocked)}


def _mcp(name: str, entry: Any, where: str) -> McpServer:
    """One `[mcp.NAME]` table. It starts nothing: only a command line allows its tools."""
    if not NAME.fullmatch(name) or not isinstance(entry, dict):
        raise UsageError(f"{where}: not an MCP server", hint='[mcp.files] command = ["program", "argument"]')
    if {"api_key", "headers"} & entry.keys() or not VARIABLE.fullmatch(str(entry.get("api_key_env", "X"))):
        hint = 'api_key_env = "SHOP_KEY" names the environment variable that holds it'
        raise UsageError(f"{where}: a key does not belong in a file", hint=hint)
    _check_keys(entry, MCP, where)
    command, names, url = entry.get("command", []), entry.get("env", []), entry.get("url", "")
    if bool(command) == bool(url) or (url and names) or (command and "api_key_env" in entry):
        hint = 'url = "http://127.0.0.1/mcp"'
        raise UsageError(f"{where}: either command, with or without env, or url, perhaps with api_key_env", hint=hint)
    if not all(isinstance(part, str) and "\0" not in part for part in command):
        raise UsageError(f"{where}: command must be a list of texts", hint='["program", "argument"]')
    if not all(isinstance(variable, str) and VARIABLE.fullmatch(variable) for variable in names):
        raise UsageError(f"{where}: env names variables; a value does not belong in a file", hint='["GITHUB_TOKEN"]')
    address = check_address(url, f"{where} url") if url else ""
    needed = [entry["api_key_env"]] if "api_key_env" in entry else names
    return McpServer(name=name, command=tuple(command), url=address, unset=tuple(needed))


def _backend(name: str, entry: Any, where: str) -> Backend:
    """One `[backends.NAME]` table, without its key."""
    if not NAME.fullmatch(name) or name in BUILT_IN or name == DEFAULT:
        taken = f"{', '.join(BUILT_IN)} and {DEFAULT} are taken"
        raise UsageError(f"{where}: not a name for a backend", hint=f"letters, digits, - and _; {taken}")
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: must be a table", hint='[backends.NAME] base_url = "http://..."')
    if "api_key" in entry or not VARIABLE.fullmatch(str(entry.get("api_key_env", "X"))):
        hint = 'api_key_env = "GROQ_API_KEY" names the environment variable that holds it'
        raise UsageError(f"{where}: a key does not belong in a file", hint=hint)
    _check_keys(entry, BACKEND, where)
    if "base_url" not in entry:
        raise UsageError(f"{where}: base_url is missing", hint='base_url = "http://127.0.0.1:11434/v1"')
    fields = {key: value for key, value in entry.items() if key not in ("base_url", "api_key_env", *OPTIONS)}
    options = {key: value for key, value in entry.items() if key in OPTIONS}
    address = check_address(entry["base_url"], f"{where} base_url")
    return Backend(name=name, base_url=address, options=options, **fields)


def _models(models: Mapping[str, Any], backends: Mapping[str, Any], file: str) -> Mapping[str, str]:
    """`[models]`: other names for slugs, so that a preset runs on what is at hand."""
    for slug, target in models.items():
        where = f'{file}: [models] "{slug}"'
        if not target or not isinstance(target, str):
            raise UsageError(f"{where}: must name a model", hint='"google/gemini-3-flash" = "qwen3:8b@ollama"')
        _, at, backend = target.rpartition("@")
        if at and NAME.fullmatch(backend):
            check_known(backend, backends, where, "backend")
    return models


# --- checks ---------------------------------------------------------------------------------------------------------


def _check_keys(table: Mapping[str, Any], allowed: Mapping[str, type], where: str) -> None:
    """Every key is known and has its type; numbers are not negative."""
    for key, value in table.items():
        check_known(key, allowed, where, "key")
        kind = allowed[key]
        if type(value) is not kind or (isinstance(value, int) and value < 0):
            raise UsageError(f"{where}: {key} must be {_WORDS[kind]}, not {value!r}")


_WORDS = {list: "a list", str: "a text", dict: "a table", int: "a number of 0 or more", bool: "true or false"}


def check_known(name: str, known: Mapping[str, Any], where: str, word: str) -> None:
    if name in known:
        return
    import difflib  # for mistakes only

    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    raise UsageError(f"{where}: there is no {word} {name}", hint=hint)


def check_address(url: str, where: str) -> str:
    """An http address without credentials, query or fragment; the slash at its end is dropped."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fine = False
    if not fine:
        raise UsageError(f"{where}: not an http address", hint="like https://openrouter.ai/api/v1")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError(f"{where}: an address holds no key, query or fragment", hint="keys come from the environment")
    return url.rstrip("/")
