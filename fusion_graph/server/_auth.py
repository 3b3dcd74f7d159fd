"""Who may call: keys as digests, compared in constant time, and what each of them may do.

A raw key is never kept: it is digested on the way in, and its name stands for it everywhere else.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fusion_graph.errors import UsageError
from fusion_graph.server._errors import Refused, unauthorized

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
DIGEST = re.compile(r"[0-9a-f]{64}")
MAX_KEY_CHARS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One caller. `pipelines` empty = all; 0 and None = no limit. `traces`: may see drafts, analyses and progress."""

    name: str
    digest: bytes = field(default=b"", repr=False)
    pipelines: frozenset[str] = frozenset()
    requests_per_minute: int = 0
    max_runs: int = 0
    budget_usd_per_day: float | None = None
    traces: bool = False

    def may_use(self, pipeline: str) -> bool:
        return not self.pipelines or pipeline in self.pipelines


ANYONE = Key(name="anyone", traces=True)
"""Whoever calls a server without keys."""

RIGHTS: Mapping[str, type | tuple[type, ...]] = {
    "sha256": str,
    "pipelines": list,
    "requests_per_minute": int,
    "max_runs": int,
    "budget_usd_per_day": (int, float),
    "traces": bool,
}


class Keys:
    """All keys of a server; none at all lets everybody in as ANYONE."""

    def __init__(self, keys: Sequence[Key] = ()) -> None:
        self._keys = tuple(keys)

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, headers: Mapping[str, str]) -> Key:
        """The key of a request. Raises Refused 401."""
        if not self._keys:
            return ANYONE
        key = self._match(_presented(headers))
        if key is None:
            raise unauthorized("the key is missing or unknown")
        return key

    def peek(self, headers: Mapping[str, str]) -> Key | None:
        """The key of a request that needs none, if it has a valid one."""
        try:
            return self.find(headers)
        except Refused:
            return None

    def _match(self, given: str) -> Key | None:
        """Every key is compared, also after one matched: the time tells nothing."""
        digest = digest_of(given)
        found = None
        for key in self._keys:
            if hmac.compare_digest(digest, key.digest):
                found = key
        return found if given else None


def _presented(headers: Mapping[str, str]) -> str:
    """The key in `Authorization: Bearer` or `x-api-key`; two different ones are none."""
    scheme, _, bearer = headers.get("Authorization", "").partition(" ")
    bearer = bearer.strip() if scheme.lower() == "bearer" else ""
    other = headers.get("x-api-key", "").strip()
    if bearer and other and not hmac.compare_digest(digest_of(bearer), digest_of(other)):
        raise unauthorized("two different keys were sent")
    return (bearer or other)[:MAX_KEY_CHARS]


def digest_of(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def keys_of(text: str) -> tuple[Key, ...]:
    """The keys of FUSION_SERVER_KEYS: raw ones, with commas, with every right. Raises UsageError."""
    raw = [part.strip() for part in text.split(",") if part.strip()]
    if any(len(key) < 16 for key in raw):
        raise UsageError(
            "FUSION_SERVER_KEYS: a key is shorter than 16 characters",
            hint="make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    return tuple(Key(name=f"env-{n}", digest=digest_of(key), traces=True) for n, key in enumerate(raw, 1))


def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys of a file: `[keys.NAME] sha256 = "..."` and their rights. Raises UsageError that names file and key."""
    import tomllib  # often there is no file

    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise UsageError(f"{path}: cannot be read as TOML", hint='[keys.alice] sha256 = "..."') from fault
    entries = table.pop("keys", None)
    if table or not isinstance(entries, dict):
        raise UsageError(f"{path}: holds something else than [keys.NAME] tables", hint='[keys.alice] sha256 = "..."')
    return tuple(_read_key(name, entry, f"{path}: [keys.{name}]") for name, entry in entries.items())


def _read_key(name: str, entry: Any, where: str) -> Key:
    if not NAME.fullmatch(name) or not isinstance(entry, dict):
        raise UsageError(f"{where}: not a table of a valid name", hint="small letters, digits, - and _")
    for right, value in entry.items():
        if right not in RIGHTS:
            raise UsageError(f"{where}: there is no key {right}", hint=f"known: {', '.join(RIGHTS)}")
        if not isinstance(value, RIGHTS[right]) or (isinstance(value, bool) and RIGHTS[right] is not bool):
            raise UsageError(f"{where}: {right} has the wrong type")
        if isinstance(value, int | float) and value < 0:
            raise UsageError(f"{where}: {right} must not be negative")
    if not DIGEST.fullmatch(str(entry.get("sha256", ""))):
        raise UsageError(
            f"{where}: sha256 must be 64 hexadecimal digits",
            hint="printf %s KEY | sha256sum; the key stays out of here",
        )
    rights = {k: v for k, v in entry.items() if k not in ("sha256", "pipelines")}
    return Key(
        name=name, digest=bytes.fromhex(entry["sha256"]), pipelines=frozenset(entry.get("pipelines", ())), **rights
    )
