"""From a request to its route and back: which endpoint, who asks, what went wrong, one line in the log.

Deny is the default: a route without `public` is not reached without a key, and what a route is called decides, never a
header.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from fusion_graph.contracts import Route
from fusion_graph.jsontext import rounded
from fusion_graph.server._answer import Answer
from fusion_graph.server._errors import Refused, internal
from fusion_graph.server._guards import check_host
from fusion_graph.server._logs import client_id
from fusion_graph.server._service import Exchange, Service
from fusion_graph.server._wires.errors import shape_of

if TYPE_CHECKING:
    from fusion_graph.server._request import Request

OPEN = "{id}"
"""The end of a path that takes the rest of it."""
PROBES = frozenset({"/livez", "/readyz", "/health", "/metrics"})
"""Asked every few seconds by machines: not in the log unless they fail."""

PREFLIGHT = (
    "Access-Control-Allow-Methods: GET, POST\r\n"
    "Access-Control-Allow-Headers: authorization, content-type, x-api-key, x-request-id\r\n"
    "Access-Control-Max-Age: 600\r\n"
)
"""What a browser is told that asks on behalf of a page that may call."""


class Match(NamedTuple):
    route: Route
    tail: str = ""


class Table:
    """Routes by path. `/v1` may be missing or doubled, a slash may end the path: base URLs are often set so."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self._exact: dict[str, dict[str, Route]] = {}
        self._open: dict[str, dict[str, Route]] = {}
        self._straight: dict[tuple[str, str], Match] = {}  # as it stands in the contract
        for route in routes.values():
            path, place = plain(route.path), self._exact
            if not path.endswith(OPEN):
                self._straight[route.method, route.path] = Match(route)
            if path.endswith(OPEN):
                path, place = path.removesuffix(OPEN), self._open
            methods = place.setdefault(path, {})
            methods[route.method] = route
            if route.method == "GET":
                methods["HEAD"] = route

    def find(self, method: str, raw_path: str) -> Match:
        """Raises Refused: 404, or 405 with what is allowed."""
        if (straight := self._straight.get((method, raw_path))) is not None:
            return straight
        path, tail = plain(raw_path), ""
        methods = self._exact.get(path)
        if methods is None:
            head = next((head for head in self._open if path.startswith(head) and len(path) > len(head)), None)
            if head is None:
                raise Refused(404, "not_found", "there is no such endpoint", code="not_found")
            methods, tail = self._open[head], unquote(path.removeprefix(head), errors="surrogateescape")
        if method not in methods:
            raise Refused(
                405, "invalid_request_error", f"{method[:16]} is not for this endpoint", code="method_not_allowed",
                allow=", ".join(methods),
            )  # fmt: skip
        return Match(methods[method], tail)


def plain(path: str) -> str:
    """Without a query, a slash at its end, any `/v1` before it, and scheme and host, which some clients send."""
    path = path.partition("?")[0].rstrip("/")
    scheme, _, rest = path.partition("://")
    if rest and scheme.isalpha():
        path = f"/{rest.partition('/')[2]}".rstrip("/")
    while path.startswith("/v1/") or path == "/v1":
        path = path.removeprefix("/v1")
    return path


class Dispatcher:
    """Handles every request of a server."""

    def __init__(self, service: Service, routes: Mapping[str, Route]) -> None:
        self._service = service
        self._table = Table(routes)

    async def __call__(self, request: Request) -> Answer:
        exchange = Exchange(self._service, request)
        began = self._service.clock()
        try:
            check_host(request, self._service.options)
            exchange.cors = self._cors(request)
            if request.method == "OPTIONS" and exchange.cors:
                return Answer(b"", exchange.head + PREFLIGHT, 204)
            match = self._table.find(request.method, request.path)
            exchange.route, exchange.tail = match.route.path, match.tail
            if not match.route.public:
                exchange.key = self._service.keys.find(request.headers)
            answer: Answer = await match.route.handler(exchange)
        except Refused as refused:
            answer = self._refuse(exchange, refused)
        except asyncio.CancelledError:
            self._tell(exchange, 499, began)
            raise
        except ConnectionError:
            self._tell(exchange, 499, began)
            raise
        except Exception as error:  # noqa: BLE001 (the one place where a bug becomes a status)
            answer = self._bug(exchange, error)
        return self._answered(exchange, answer, began)

    def unreadable(self, request: Request) -> Answer:
        """What is no HTTP at all gets our kind of error, without a word of what was sent."""
        exchange = Exchange(self._service, request)
        refused = Refused(400, "invalid_request_error", "this is not a valid HTTP request", code="bad_http")
        refused.closes = True
        return self._answered(exchange, self._refuse(exchange, refused), self._service.clock())

    def _answered(self, exchange: Exchange, answer: Answer, began: float) -> Answer:
        answer.lines += exchange.head
        self._tell(exchange, answer.status, began)
        return answer

    def _refuse(self, exchange: Exchange, refused: Refused) -> Answer:
        refused.__traceback__ = refused.__context__ = None  # one that is remembered must not keep this request with it
        exchange.note(code=refused.code, param=refused.param)
        answer = self._say(exchange, refused)
        answer.stays = not refused.closes
        return answer

    def _bug(self, exchange: Exchange, error: Exception) -> Answer:
        """The place in our code, never the text of the error: that may hold anything."""
        frames = traceback.extract_tb(error.__traceback__)
        exchange.told["bug"] = type(error).__name__
        exchange.told["at"] = " < ".join(f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in reversed(frames[-6:]))
        return self._say(exchange, internal())

    def _say(self, exchange: Exchange, refused: Refused) -> Answer:
        request = exchange.request
        shape = shape_of(plain(request.path), anthropic="anthropic-version" in request.headers)
        return refused.answer(shape, exchange.id)

    def _cors(self, request: Request) -> str:
        """Off unless the page is named, exactly."""
        origin = request.headers.get("Origin")
        if origin is None or origin not in self._service.options.origins:
            return ""
        return f"Access-Control-Allow-Origin: {origin}\r\nVary: Origin\r\n"

    def _tell(self, exchange: Exchange, status: int, began: float) -> None:
        service, request, path = self._service, exchange.request, exchange.route
        service.metrics.count("requests_total", path, str(status))
        headers = request.headers
        if headers.get("x-stainless-retry-count", "0") != "0":
            exchange.count_replay("retry_count")
        if not service.log.open or (path in PROBES and status < 400):
            return
        given = headers.get("x-request-id") or headers.get("x-client-request-id")
        line = {
            "id": exchange.id,
            **client_id(given),
            "method": request.method if request.method.isalpha() else "?",
            "route": path,
            "status": status,
            "key": exchange.key.name,
            "peer": service.peers.client(request.connection.peer, headers),
            "seconds": rounded(service.clock() - began, 1000),
            **exchange.told,
        }
        service.log.tell("request", line)
