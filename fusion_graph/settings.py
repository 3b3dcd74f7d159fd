"""The only reader of the environment, of `.env` in the working folder and of `fusiongraph.toml`.

It says what was set, not what is running: looking for local servers is `wiring`'s work.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fusion_graph.contracts import Backend
from fusion_graph.errors import UsageError

OPENROUTER = "https://openrouter.ai/api/v1"
OPENAI = "https://api.openai.com/v1"
KEYS: Mapping[str, str] = {"FUSION_API_KEY": OPENROUTER, "OPENROUTER_API_KEY": OPENROUTER, "OPENAI_API_KEY": OPENAI}
"""Where a key goes when no address is set. The first of them that is set is used."""

FILE = "fusiongraph.toml"
DEFAULT = "default"
"""The backend made of FUSION_BASE_URL or a key."""
BUILT_IN: Mapping[str, Backend] = {
    "sim": Backend(name="sim", provider="sim", free=True),
    "local": Backend(name="local", provider="local", free=True),
}

TOP = {"default_backend": str, "backends": dict, "models": dict, "server": dict}
BACKEND = {
    "base_url": str,
    "api_key_env": str,
    "max_concurrency": int,
    "requests_per_minute": int,
    "free": bool,
}
NAME = re.compile(r"[a-z][a-z0-9_-]*")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


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
    server: Mapping[str, Any] = field(default_factory=dict)  # the `[server]` table as it stands; the server reads it
    server_keys: str = field(default="", repr=False)  # FUSION_SERVER_KEYS
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
    table = _read_toml(file) if file else {}
    named, missing = _backends(table, variables, str(file))
    made, why = _default(variables)
    backends = {**BUILT_IN, **named}
    if made:
        backends[DEFAULT] = made
        if not made.api_key and made.base_url in (OPENROUTER, OPENAI):
            missing[DEFAULT] = " or ".join(KEYS)
    name, why = _choose(table, variables, backends, why, str(file))
    return Settings(
        backends=backends,
        default_backend=name,
        why=why,
        home=home,
        missing_keys=missing,
        models=_models(table, backends, str(file)),
        file=file,
        no_color=bool(variables["NO_COLOR"]) or variables["TERM"] == "dumb",
        dumb_terminal=variables["TERM"] == "dumb",
        server=table.get("server", {}),
        server_keys=variables["FUSION_SERVER_KEYS"],
        keys={key: bool(variables[key]) for key in (*KEYS, *_key_variables(table))},
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


def _default(variables: _Variables) -> tuple[Backend | None, str]:
    """The backend of FUSION_BASE_URL or of a key alone, and why.

    An address that only `.env` knows gets no key from the shell: a folder one has downloaded must not be able to send
    somebody's key away.
    """
    address = variables["FUSION_BASE_URL"]
    if address and "FUSION_BASE_URL" not in variables.shell:
        variables = _Variables({}, variables.dotenv)
    name = next((name for name in KEYS if variables[name]), "")
    if not address and not name:
        return None, "no key, no FUSION_BASE_URL and no default_backend is set"
    url = _check_address(address, "FUSION_BASE_URL") if address else KEYS[name]
    why = variables.source("FUSION_BASE_URL" if address else name)
    key = _key(variables, name) if name else ""
    return Backend(name=DEFAULT, base_url=url, api_key=key), f"{why} is set"


def _choose(
    table: Mapping[str, Any], variables: _Variables, backends: Mapping[str, Backend], why: str, file: str
) -> tuple[str, str]:
    """FUSION_BACKEND, FUSION_BASE_URL, `default_backend`, a key: the first one that is set."""
    if name := variables["FUSION_BACKEND"]:
        _check_known(name, backends, "FUSION_BACKEND", "backend")
        return name, f"{variables.source('FUSION_BACKEND')} is set"
    if name := table.get("default_backend", ""):
        _check_known(name, backends, f"{file}: default_backend", "backend")
        if not variables["FUSION_BASE_URL"]:
            return name, f"default_backend in {file}"
    return (DEFAULT if DEFAULT in backends else ""), why


# --- fusiongraph.toml -----------------------------------------------------------------------------------------------


def _find_file(variables: _Variables, folder: Path, home: Path) -> Path | None:
    """FUSION_CONFIG (it must be there), else the working folder's, else the one in the home folder."""
    if variables["FUSION_CONFIG"]:
        path = Path(variables["FUSION_CONFIG"]).expanduser()
        if not path.is_file():
            raise UsageError(f"FUSION_CONFIG: there is no file {path}", hint="correct the path or unset FUSION_CONFIG")
        return path
    return next((path for path in (folder / FILE, home / FILE) if path.is_file()), None)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as fault:
        raise UsageError(f"{path}: {fault}", hint="it must be a readable TOML file") from fault
    _check_keys(table, TOP, str(path))
    return table


def _backends(table: Mapping[str, Any], variables: _Variables, file: str) -> tuple[dict[str, Backend], dict[str, str]]:
    """The `[backends.NAME]` tables, and which of them name a variable that is not set."""
    found: dict[str, Backend] = {}
    missing: dict[str, str] = {}
    for name, entry in table.get("backends", {}).items():
        where = f"{file}: [backends.{name}]"
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
        options = {**entry, "base_url": _check_address(entry["base_url"], f"{where} base_url")}
        variable = options.pop("api_key_env", "")
        if variable and not variables[variable]:
            missing[name] = variable
        found[name] = Backend(name=name, api_key=_key(variables, variable) if variable else "", **options)
    return found, missing


def _key_variables(table: Mapping[str, Any]) -> list[str]:
    """The variables that backends name for their keys."""
    named = (entry.get("api_key_env", "") for entry in table.get("backends", {}).values())
    return [name for name in dict.fromkeys(named) if name]


def _models(table: Mapping[str, Any], backends: Mapping[str, Backend], file: str) -> dict[str, str]:
    """`[models]`: other names for slugs, so that a preset runs on what is at hand."""
    models: dict[str, Any] = table.get("models", {})
    for slug, target in models.items():
        where = f'{file}: [models] "{slug}"'
        if not target or not isinstance(target, str):
            raise UsageError(f"{where}: must name a model", hint='"google/gemini-3-flash" = "qwen3:8b@ollama"')
        _, at, backend = target.rpartition("@")
        if at and NAME.fullmatch(backend):
            _check_known(backend, backends, where, "backend")
    return models


# --- checks ---------------------------------------------------------------------------------------------------------


def _check_keys(table: Mapping[str, Any], allowed: Mapping[str, type], where: str) -> None:
    """Every key is known and has its type; numbers are not negative."""
    for key, value in table.items():
        _check_known(key, allowed, where, "key")
        kind = allowed[key]
        if type(value) is not kind or (isinstance(value, int) and value < 0):
            raise UsageError(f"{where}: {key} must be {_WORDS[kind]}, not {value!r}")


_WORDS = {str: "a text", dict: "a table", int: "a number of 0 or more", bool: "true or false"}


def _check_known(name: str, known: Mapping[str, Any], where: str, word: str) -> None:
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    raise UsageError(f"{where}: there is no {word} {name}", hint=hint)


def _check_address(url: str, where: str) -> str:
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
