"""Who is behind a proxy, for the log."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from fusion_graph.errors import UsageError
from fusion_graph.server._peers import Peers
from tests.server.stand import stand

PROXIES = ("10.0.0.0/8", "127.0.0.1", "::1")


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        ("10.1.1.1", "203.0.113.5", "203.0.113.5"),
        ("10.1.1.1", "198.51.100.1, 203.0.113.5", "203.0.113.5"),  # what stands left of it anybody may have written
        ("10.1.1.1", "203.0.113.5, 10.2.2.2", "203.0.113.5"),
        ("10.1.1.1", "203.0.113.5, nonsense", "10.1.1.1"),
        ("10.1.1.1", "", "10.1.1.1"),
        ("::ffff:10.1.1.1", "203.0.113.5", "203.0.113.5"),
        ("192.0.2.9", "203.0.113.5", "192.0.2.9"),  # not listed: not believed
    ],
)
def test_only_listed_peers_are_believed(peer: str, said: str, client: str) -> None:
    # security 30
    assert Peers(PROXIES).client(peer, CIMultiDict({"X-Forwarded-For": said})) == client


def test_wrong_address_is_told() -> None:
    with pytest.raises(UsageError, match="proxies"):
        Peers(["everybody"])


@pytest.mark.parametrize(("proxies", "peer"), [((), "127.0.0.1"), (("127.0.0.1",), "203.0.113.5")])
async def test_log_names_the_client(proxies: tuple[str, ...], peer: str) -> None:
    headers = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    async with stand(proxies=proxies) as at:
        assert (await at.ask(headers=headers))[0] == 200
        assert at.log[-1]["peer"] == peer
