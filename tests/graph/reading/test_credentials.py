"""Text that looks like a key. All keys here are made up."""

from __future__ import annotations

import pytest

from fusion_graph.graph.reading.credentials import holds_a_key, like_a_key, mask

KEYS = [
    "sk-proj-abcdefghijklmnop0123",
    "sk-ant-api03-abcdefghijklmnop",
    "sk-or-v1-0123456789abcdef0123",
    "gsk_abcdefghijklmnop0123",
    "AIzaSyA0123456789abcdefghijklmnopqrstuv",
    "AKIAABCDEFGHIJKLMNOP",
    "ghp_abcdefghijklmnop0123456789",
    "xai-abcdefghijklmnop0123",
    "hf_abcdefghijklmnop0123",
    "Bearer abcdefghijklmnop0123",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-def_ghi",
    "-----BEGIN RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("key", KEYS)
def test_keys_are_found_and_masked(key: str) -> None:
    line = f"prompt: use {key} now"
    assert like_a_key(line)
    assert key not in mask(line)
    assert len(mask(line)) == len(line)


@pytest.mark.parametrize(
    "text", ["risk-free", "task-based ask", "openai/gpt-5.5", "sk-short", "a Bearer of news", "disk-0123", "$api_key"]
)
def test_plain_text_is_left_alone(text: str) -> None:
    assert not like_a_key(text)
    assert mask(text) == text


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("api_key", True),
        ("OPENAI_API_KEY", True),
        ("client-secret", True),
        ("password", True),
        ("key", False),
        ("max_tokens", False),
        ("tokens", False),
    ],
)
def test_names_of_secrets_are_known(name: str, holds: bool) -> None:
    assert holds_a_key(name) is holds
