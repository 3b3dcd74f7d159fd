"""What `.gitignore` says of a path: enough of its grammar for lists and searches. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

ALWAYS = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", ".mypy_cache", ".pytest_cache"})
_LONGEST = 256  # characters of one line
_MOST = 2000


class Rule(NamedTuple):
    """One line of a file that lies in `base` ("" = the root)."""

    base: str
    pattern: re.Pattern[str]
    folders_only: bool
    back: bool


def read_rules(text: str, base: str = "") -> tuple[Rule, ...]:
    """The rules of one file, in order."""
    return tuple(rule for line in text.splitlines()[:_MOST] if (rule := _rule(line, base)) is not None)


def is_ignored(path: str, rules: Sequence[Rule], *, folder: bool) -> bool:
    """The last rule that fits decides."""
    if path.rpartition("/")[2] in ALWAYS:
        return True
    ignored = False
    for rule in rules:
        if rule.folders_only and not folder:
            continue
        if rule.base and not path.startswith(f"{rule.base}/"):
            continue
        if rule.pattern.fullmatch(path[len(rule.base) + 1 if rule.base else 0 :]):
            ignored = not rule.back
    return ignored


def _rule(line: str, base: str) -> Rule | None:
    line = line.rstrip() if not line.endswith("\\ ") else line
    if not line or line.startswith("#") or len(line) > _LONGEST:
        return None
    back, line = line.startswith("!"), line.removeprefix("!")
    folders_only, line = line.endswith("/"), line.rstrip("/")
    if not line:
        return None
    anywhere = "/" not in line
    try:
        return Rule(base, re.compile(("(?:.*/)?" if anywhere else "") + as_regex(line.lstrip("/"))), folders_only, back)
    except re.error:
        return None


_STAR, _ANY_FOLDERS, _ANYTHING = "*", "(?:.*/)?", ".*"
_WILD = (_STAR, _ANY_FOLDERS, _ANYTHING)
_MOST_DEEP = 3


@lru_cache(maxsize=1024)
def as_regex(glob: str) -> str:
    """`**` spans folders, `*` and `?` do not. A star that another one follows takes the first place that fits: as good
    as any other, and it cannot take for ever. Raises re.error for more `**` than is sensible."""
    words = list(_words(glob))
    if words.count(_ANY_FOLDERS) + words.count(_ANYTHING) > _MOST_DEEP:
        raise re.error("too many **")
    made, is_open = "", False
    for at, word in enumerate(words):
        if word != _STAR:
            made += word
            continue
        made += ")" if is_open else ""
        is_open = next((other for other in words[at + 1 :] if other in _WILD), "") == _STAR
        made += "(?>[^/]*?" if is_open else "[^/]*"
    return made


def _words(glob: str) -> Iterator[str]:
    """Pieces of an expression; a star stands for itself."""
    at, last = 0, ""
    while at < len(glob):
        if glob.startswith("**/", at):
            word, at = _ANY_FOLDERS, at + 3
        elif glob.startswith("**", at):
            word, at = _ANYTHING, at + 2
        elif glob[at] == "*":
            word, at = _STAR, at + 1
        elif glob[at] == "?":
            word, at = "[^/]", at + 1
        elif glob[at] == "[" and (end := glob.find("]", at + 2)) > 0:
            inside = glob[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            word, at = f"[{'^' + inside[1:] if inside[0] in '!^' else inside}]", end + 1
        elif glob[at] == "\\" and at + 1 < len(glob):
            word, at = re.escape(glob[at + 1]), at + 2
        else:
            word, at = re.escape(glob[at]), at + 1
        if word not in _WILD or word != last:
            yield word
        last = word
