"""Text that looks like a credential: found so that a file can be refused, masked wherever a line of it is shown."""

from __future__ import annotations

import re

_LIKE_A_KEY = re.compile(
    r"""
    \bsk-[A-Za-z0-9_-]{16,}                                    # OpenAI, OpenRouter, Anthropic and their imitators
    | \b(?:gsk|xai|hf|r8|pplx|nvapi|fw|csk|tgp|ghp|gho|ghs)[_-][A-Za-z0-9_-]{16,}
    | \bgithub_pat_[A-Za-z0-9_]{20,}
    | \bAIza[A-Za-z0-9_-]{30,}                                 # Google
    | \bAKIA[A-Z0-9]{16}\b                                     # AWS
    | \bxox[abp]-[A-Za-z0-9-]{10,}                             # Slack
    | \beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+   # a JSON web token
    | \bBearer\ +[A-Za-z0-9._~+/-]{16,}
    | -----BEGIN\ [A-Z\ ]*PRIVATE\ KEY-----
    """,
    re.VERBOSE,
)
_HOLDS_A_KEY = re.compile(
    r"(?i)(?:^|[_-])(?:api[_-]?key|secret|password|passwd|access[_-]?token|auth[_-]?token|authorization)$"
)


def like_a_key(text: str) -> bool:
    """True when some part of the text has the shape of a known kind of key or token."""
    return _LIKE_A_KEY.search(text) is not None


def holds_a_key(name: str) -> bool:
    """True when a value under this name would be a credential."""
    return _HOLDS_A_KEY.search(name) is not None


def mask(text: str) -> str:
    """The text with every key-like part replaced by stars of the same length, so that columns stay."""
    return _LIKE_A_KEY.sub(lambda found: "*" * len(found.group()), text)
