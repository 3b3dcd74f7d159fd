"""The way back to a client."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.http import HttpVersion11, RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from fusion_graph.server._request import Request


def request(transport: Any) -> Request:
    head = RawRequestMessage(
        "POST", "/", HttpVersion11, CIMultiDictProxy(CIMultiDict()), (), False, None, False, False, URL("/")
    )
    body: Any = None
    connection: Any = SimpleNamespace(transport=transport)
    return Request(head, body, connection)


@pytest.mark.parametrize("transport", [None, SimpleNamespace(is_closing=lambda: True)])
def test_client_that_is_gone_gets_nothing(transport: Any) -> None:
    with pytest.raises(ConnectionResetError):
        request(transport).send(b"{}")
