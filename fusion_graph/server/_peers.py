"""Whose request it is when a proxy stands before us: `X-Forwarded-For` counts from listed peers only (wire contract
5.30). It names a client in the log and decides nothing."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from fusion_graph.errors import UsageError

if TYPE_CHECKING:
    from multidict import MultiMapping

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
MAX_HOPS = 16


class Peers:
    """The proxies that are believed. Raises UsageError for what is no address and no network."""

    def __init__(self, proxies: Sequence[str] = ()) -> None:
        self._networks = tuple(_network(text) for text in proxies)

    def client(self, peer: str, headers: MultiMapping[str]) -> str:
        """The address behind the last proxy that is believed; the peer's own where none is."""
        if not self._networks or not self._believed(peer):
            return peer
        named = ",".join(headers.getall("X-Forwarded-For", ())).split(",")
        for text in reversed(named[-MAX_HOPS:]):
            address = _address(text.strip())
            if not address:
                break  # no address: whoever wrote that is not believed
            peer = address
            if not self._believed(peer):
                break
        return peer

    def _believed(self, peer: str) -> bool:
        address = _address(peer)
        return bool(address) and any(ipaddress.ip_address(address) in network for network in self._networks)


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise UsageError(f"[server]: proxies: {text!r} is no address", hint='like "10.0.0.7" or "10.0.0.0/8"') from None


def _address(text: str) -> str:
    """In one spelling; IPv4 in IPv6 as itself; "" if it is none."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
