"""The only reader of the environment, and of `.env` in the working folder; with `configuration` it makes the settings.

It says what was set, not what is running: looking for local servers is `wiring`'s work.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fusion_graph import configuration
from fusion_graph.configuration import BUILT_IN, DEFAULT, FILE, VARIABLE, Configuration, check_address, check_known
from fusion_graph.contracts import Backend
from fusion_graph.errors import UsageError
from fusion_graph.toolbox import McpServer

OPENROUTER = "https://openrouter.ai/api/v1"
OPENAI = "https://api.openai.com/v1"
KEYS: Mapping[str, str] = {"FUSION_API_KEY": OPENROUTER, "OPENROUTER_API_KEY": OPENROUTER, "OPENAI_API_KEY": OPENAI}
"""Where a key goes when no address is set. The first of them that is set is used."""
CLEAN = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR")
"""What a program that is started for its tools learns of the environment."""
SEARCH = ("TAVILY_API_KEY", "BRAVE_API_KEY", "SEARXNG_URL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What was set. `default_backend` is "" when nothing says which one to use; `why` tells the reason either way."""

    backends: Mapping[str, Backend]
    default_backend: str
    why: str
    home: Path
    missing_keys: Mapping[str, str] = field(default_factory=dict)  # backend -> the variable it needs and does not find
    models: Mapping[str, str] = field(default_factory=dict)  # slug as pipelines write it -> slug[@backend] to call
    file: Path | None = None  # the fusiongraph.toml that was read
    no_color: bool = False
    dumb_terminal: bool = False  # it cannot go back to a line it has written
    store: Mapping[str, Any] = field(default_factory=dict)  # the `[store]` table, likewise
    server: Mapping[str, Any] = field(default_factory=dict)  # the `[server]` table as it stands; the server reads it
    server_keys: str = field(default="", repr=False)  # FUSION_SERVER_KEYS
    search_keys: Mapping[str, str] = field(default_factory=dict, repr=False)  # of search services, those that are set
    search: str = ""
    blocked_domains: tuple[str, ...] = ()
    mcp: Mapping[str, McpServer] = field(default_factory=dict)
    redis_url: str = field(default="", repr=False)  # FUSION_REDIS_URL, which may hold a password
    keys: Mapping[str, bool] = field(default_factory=dict)  # variables that may hold a key -> whether they do


def load(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """Read everything once. A variable of the environment beats `.env`; a blank one counts as not set.

    Raises UsageError that names the file and the key at fault.
    """
    shell = {name: value for name, value in (os.environ if environment is None else environment).items() if value}
    folder = folder or Path.cwd()
    variables = _Variables(shell, _dotenv(folder / ".env"))
    home = _home(variables)
    file = _find_file(variables, folder, home)
    configured = configuration.read(file) if file else Configuration()
    made, why = _default(variables)
    backends = {**BUILT_IN, **_with_keys(configured, variables), **({DEFAULT: made} if made else {})}
    name, why = _choose(configured, variables, backends, why)
    return Settings(
        backends=backends,
        default_backend=name,
        why=why,
        home=home,
        missing_keys=_missing_keys(configured, backends),
        models=configured.models,
        file=file,
        no_color=bool(variables["NO_COLOR"]) or variables["TERM"] == "dumb",
        dumb_terminal=variables["TERM"] == "dumb",
        server=configured.server,
        store=configured.store,
        server_keys=variables["FUSION_SERVER_KEYS"],
        search_keys={name: variables[name] for name in SEARCH if variables[name]},
        search=configured.search,
        blocked_domains=configured.blocked_domains,
        mcp={name: _mcp(server, variables) for name, server in configured.mcp.items()},
        redis_url=variables["FUSION_REDIS_URL"],
        keys={key: bool(variables[key]) for key in (*KEYS, *configured.key_variables.values())},
    )


def debugging() -> bool:
    """FUSION_DEBUG is set: whoever meets a bug wants its traceback. Asked before anything else could be read."""
    return os.environ.get("FUSION_DEBUG", "0") not in ("", "0")


# --- the environment ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Variables:
    """The shell's variables over those of `.env`. "" = not set."""

    shell: Mapping[str, str]
    dotenv: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return (self.shell.get(name) or self.dotenv.get(name) or "").strip()

    def source(self, name: str) -> str:
        return name if self.shell.get(name) else f"{name} (.env)"


def _dotenv(path: Path) -> dict[str, str]:
    """`NAME=value` lines, `export` and quotes allowed, nothing expanded; what is not such a line is somebody else's."""
    try:
        text = path.read_text("utf-8-sig")
    except (FileNotFoundError, IsADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageError(f"{path}: cannot be read", hint="it must be a text file with NAME=value lines") from fault
    found = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and VARIABLE.fullmatch(name.strip()):
            found[name.strip()] = _unquote(value.strip())
    return {name: value for name, value in found.items() if value}


def _unquote(value: str) -> str:
    if value[:1] in ("'", '"'):
        end = value.find(value[0], 1)
        return value[1:end] if end > 0 else value
    return "" if value.startswith("#") else re.split(r"\s#", value, maxsplit=1)[0].rstrip()


def _home(variables: _Variables) -> Path:
    """FUSION_HOME, else where the platform keeps an application's data. Nothing is made here."""
    if variables["FUSION_HOME"]:
        return Path(variables["FUSION_HOME"]).expanduser()
    if sys.platform == "win32":
        return Path(variables["APPDATA"] or Path.home() / "AppData" / "Roaming") / "fusion_graph"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "fusion_graph"
    return Path(variables["XDG_DATA_HOME"] or Path.home() / ".local" / "share") / "fusion_graph"


def _key(variables: _Variables, name: str) -> str:
    key = variables[name]
    if not key.isprintable() or not key.isascii() or " " in key:
        raise UsageError(f"{name}: the key holds a character that no key has", hint="copy it again, in one piece")
    return key


def _mcp(server: McpServer, variables: _Variables) -> McpServer:
    """The server with the few variables it gets, or with its key. Where one is missing, whoever starts it says so."""
    if server.url:
        key = _key(variables, server.unset[0]) if server.unset else ""
        return replace(server, key=key, unset=() if key else server.unset)
    found = {name: variables.shell[name] for name in CLEAN if name in variables.shell}
    found |= {name: variables[name] for name in server.unset if variables[name]}
    return replace(server, environment=found, unset=tuple(name for name in server.unset if name not in found))


# --- backends -------------------------------------------------------------------------------------------------------


def _default(variables: _Variables) -> tuple[Backend | None, str]:
    """The backend of FUSION_BASE_URL or of a key alone, and why.

    An address that only `.env` knows gets no key from the shell: a folder one has downloaded must not be able to send
    somebody's key away.
    """
    address, name = variables["FUSION_BASE_URL"], _first_key(variables)
    if not address and not name:
        return None, "no key, no FUSION_BASE_URL and no default_backend is set"
    why = f"{variables.source('FUSION_BASE_URL' if address else name)} is set"
    if address and "FUSION_BASE_URL" not in variables.shell:
        variables = _Variables({}, variables.dotenv)
        if name and not _first_key(variables):
            why += f"; {name} is not sent there, because the address stands in .env and the key does not"
        name = _first_key(variables)
    url = check_address(address, "FUSION_BASE_URL") if address else KEYS[name]
    return Backend(name=DEFAULT, base_url=url, api_key=_key(variables, name) if name else ""), why


def _first_key(variables: _Variables) -> str:
    return next((name for name in KEYS if variables[name]), "")


def _with_keys(configured: Configuration, variables: _Variables) -> dict[str, Backend]:
    """The file's backends, each with the key that its variable holds."""
    keys = {name: _key(variables, variable) for name, variable in configured.key_variables.items()}
    return {name: replace(backend, api_key=keys.get(name, "")) for name, backend in configured.backends.items()}


def _missing_keys(configured: Configuration, backends: Mapping[str, Backend]) -> dict[str, str]:
    """Backends that need a key and have none, with the variable that should hold it."""
    missing = {name: variable for name, variable in configured.key_variables.items() if not backends[name].api_key}
    made = backends.get(DEFAULT)
    if made and not made.api_key and made.base_url in (OPENROUTER, OPENAI):
        missing[DEFAULT] = " or ".join(KEYS)
    return missing


def _choose(
    configured: Configuration, variables: _Variables, backends: Mapping[str, Backend], why: str
) -> tuple[str, str]:
    """FUSION_BACKEND, FUSION_BASE_URL, `default_backend`, a key: the first one that is set."""
    if name := variables["FUSION_BACKEND"]:
        check_known(name, backends, "FUSION_BACKEND", "backend")
        return name, f"{variables.source('FUSION_BACKEND')} is set"
    if name := configured.default_backend:
        check_known(name, backends, f"{configured.file}: default_backend", "backend")
        if not variables["FUSION_BASE_URL"]:
            return name, f"default_backend in {configured.file}"
    return (DEFAULT if DEFAULT in backends else ""), why


def _find_file(variables: _Variables, folder: Path, home: Path) -> Path | None:
    """FUSION_CONFIG (it must be there), else the working folder's, else the one in the home folder."""
    if variables["FUSION_CONFIG"]:
        path = Path(variables["FUSION_CONFIG"]).expanduser()
        if not path.is_file():
            raise UsageError(f"FUSION_CONFIG: there is no file {path}", hint="correct the path or unset FUSION_CONFIG")
        return path
    return next((path for path in (folder / FILE, home / FILE) if path.is_file()), None)
