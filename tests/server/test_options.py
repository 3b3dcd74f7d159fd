"""The `[server]` table."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.server._options import ServerOptions, is_loopback, read_options


def test_command_line_lies_over_the_file() -> None:
    options = read_options({"port": 1, "max_runs": 5, "hosts": ["a.example"], "drain_s": 3}, port=2, host=None)
    assert options == ServerOptions(port=2, max_runs=5, hosts=("a.example",), drain_s=3.0)


@pytest.mark.parametrize(
    "table",
    [
        {"prot": 1},
        {"port": "1"},
        {"port": True},
        {"hosts": "a"},
        {"drain_s": 0},
        {"log_content": True},
        {"aliases": {"a": 1}},
        {"facts": {"a/x": 1}},
        {"usage_scope": {"nowhere": "total"}},
        {"usage_scope": {"chat_completions": "some"}},
        {"usage_scope": "total"},
    ],
)
def test_wrong_key_is_named(table: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(table))):
        read_options(table)


@pytest.mark.parametrize(
    ("host", "yes"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("::", False), ("box", False)]
)
def test_loopback_is_known(host: str, yes: bool) -> None:
    assert is_loopback(host) is yes


def test_tables_of_their_own_are_read() -> None:
    options = read_options({"facts": {"a/x": {"context_length": 9}}, "usage_scope": {"chat_completions": "final"}})
    assert options.facts["a/x"].context_length == 9
    assert options.usage_scope["chat_completions"] == "final"
