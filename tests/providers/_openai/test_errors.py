"""What the HTTP library raises, translated."""

from __future__ import annotations

import ssl
from unittest.mock import Mock

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.http_exceptions import BadHttpMessage, ContentEncodingError, LineTooLong, TransferEncodingError

from fusion_graph.errors import ProviderError
from fusion_graph.providers._openai.errors import FOREIGN, before_answer, within_answer

PEER = ConnectionKey("host.example", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def bad_response() -> Exception:
    return aiohttp.ClientResponseError(Mock(), (), status=400, message="bad")


@pytest.mark.parametrize(
    ("error", "reason", "transient", "sent"),
    [
        (aiohttp.ClientConnectorError(PEER, OSError(111, "refused")), "connect_error", True, False),
        (aiohttp.ClientConnectorDNSError(PEER, OSError(-2, "name")), "connect_error", True, False),
        (aiohttp.ConnectionTimeoutError(), "connect_error", True, False),
        (aiohttp.ClientConnectorSSLError(PEER, ssl.SSLError(1, "version")), "connect_error", False, False),
        (aiohttp.ClientConnectorCertificateError(PEER, ssl.CertificateError("x")), "connect_error", False, False),
        (aiohttp.ServerDisconnectedError(), "connect_error", True, True),
        (aiohttp.ClientOSError(104, "reset"), "connect_error", True, True),
        (caused(bad_response(), BadHttpMessage("x")), "malformed_stream", True, True),
        (caused(bad_response(), LineTooLong(b"x", 8190)), "body_too_large", False, True),
    ],
)
def test_before_the_answer(error: Exception, reason: str, transient: bool, sent: bool) -> None:
    made = before_answer(error)
    assert (made.reason, made.transient, made.sent) == (reason, transient, sent)
    assert isinstance(error, FOREIGN)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (aiohttp.ClientPayloadError("short"), "truncated_stream"),
        (caused(aiohttp.ClientPayloadError("x"), TransferEncodingError("x")), "truncated_stream"),
        (caused(aiohttp.ClientPayloadError("x"), ContentEncodingError("x")), "malformed_stream"),
        (ContentEncodingError("x"), "malformed_stream"),
        (TransferEncodingError("x"), "malformed_stream"),
        (aiohttp.ServerDisconnectedError(), "truncated_stream"),
        (ConnectionResetError(), "truncated_stream"),
    ],
)
def test_within_the_answer(error: Exception, reason: str) -> None:
    made = within_answer(error)
    assert (made.reason, made.transient) == (reason, True)


def test_nothing_of_the_foreign_error_is_shown() -> None:
    made: ProviderError = before_answer(aiohttp.ClientConnectorError(PEER, OSError(111, "canary")))
    assert "host.example" not in repr(made)
    assert "canary" not in repr(made)
