"""Translates what the HTTP library raises into typed errors. The foreign error itself is to be dropped: it holds the
request's headers, and so the key.
"""

from __future__ import annotations

import ssl

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError, LineTooLong

from fusion_graph.errors import Permanent, ProviderError, Transient

FOREIGN = (aiohttp.ClientError, HttpProcessingError, OSError, TimeoutError)

_UNTRUSTED = (aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError, ssl.SSLError)
_NOT_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_BAD_HTTP = (aiohttp.ClientResponseError, HttpProcessingError)


def is_disconnect(error: BaseException) -> bool:
    """Was a connection there, and is it gone?"""
    gone = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)
    return isinstance(error, gone) and not isinstance(error, (*_NOT_CONNECTED, *_UNTRUSTED))


def before_answer(error: BaseException) -> ProviderError:
    """No status line came. The request is known not to have left only if there was no connection to send it on."""
    if isinstance(error, _UNTRUSTED):
        return Permanent("connect_error", "no trusted TLS connection to the upstream", sent=False)
    if isinstance(error, _NOT_CONNECTED):
        return Transient("connect_error", "the upstream cannot be reached", sent=False)
    if isinstance(error, _BAD_HTTP):
        return _bad_http(error)
    return Transient("connect_error", "the upstream closed the connection without an answer")


def within_answer(error: BaseException) -> ProviderError:
    """The answer began and cannot be read to its end."""
    if _caused_by(error, ContentEncodingError):
        return Transient("malformed_stream", "the upstream's compressed body is broken")
    if isinstance(error, _BAD_HTTP) and not isinstance(error, aiohttp.ClientPayloadError):
        return _bad_http(error)
    return Transient("truncated_stream", "the connection broke before the answer ended")


def _bad_http(error: BaseException) -> ProviderError:
    if _caused_by(error, LineTooLong):
        return Permanent("body_too_large", "the upstream's headers are too large")
    return Transient("malformed_stream", "the upstream does not speak proper HTTP")


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
