"""One connection to a backend, and the answer that comes over it. The socket, TLS and the reading of HTTP are
aiohttp's; what stands between them is ours, because a task that is woken for a head and again for its body costs more
than all the reading: here whoever made the call is woken once, when its answer is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import aiohttp
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpResponseParser

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.http import RawResponseMessage

BUFFER_BYTES = 1 << 18  # of a body that nobody reads: twice that, and the socket is not read either
_INTERIM = range(100, 200)

Take: TypeAlias = Callable[[bytes], bool]
"""Takes the next piece of a body; true when that is enough."""
Begin: TypeAlias = Callable[["Answer"], Take | None]
"""What is to take the body of an answer whose head is here, the moment it comes; None: it will be read by hand."""


class Line(BaseProtocol):
    """A connection, from its first request to its last. One answer at a time; `answer` is the one that is awaited or
    being read, None while the line rests."""

    __slots__ = ("_begin", "_connection", "_handler", "_more", "_over", "_spoilt", "_take", "answer", "since")

    def __init__(self, connection: Connection, handler: ResponseHandler, transport: asyncio.Transport) -> None:
        super().__init__(asyncio.get_running_loop())
        self.transport = transport
        self._parser = HttpResponseParser(
            self, self._loop, BUFFER_BYTES, payload_exception=aiohttp.ClientPayloadError, read_until_eof=True
        )
        self.since = 0.0  # when it began to rest, in the loop's time; 0 = it never did
        self.answer: Answer | None = None
        self._connection = connection
        self._handler = handler  # the connector's own, which is told of the end only
        self._over: asyncio.Future[Answer] | None = None
        self._begin: Begin | None = None  # nothing is asked
        self._take: Take | None = None
        self._more = False  # of a body came while it was read
        self._spoilt = False  # nothing may be asked over it any more

    def ask(self, request: bytes, begin: Begin) -> asyncio.Future[Answer]:
        """The answer when what `begin` gave has had enough of it, or it ended, or with its head if that gave nothing.
        Raises what keeps the head from coming; what breaks the body is the answer's `error`."""
        if self.transport is None:
            raise aiohttp.ServerDisconnectedError
        over = self._loop.create_future()
        self._begin, self._over = begin, over
        self.transport.write(request)
        return over

    # --- how it stands ---

    @property
    def open(self) -> bool:
        """While it rests: the next request may use it. What came since would be taken for the next answer."""
        return not self._spoilt and self.transport is not None and not self.transport.is_closing()

    @property
    def clean(self) -> bool:
        """Everything was sent and everything read: it may rest."""
        read = self.answer is None or self.answer.body.is_eof()
        sent = self.transport is not None and not self.transport.get_write_buffer_size()
        return read and sent and not self._spoilt and self._is_between()

    def rest(self) -> None:
        """What comes from here on was not asked for."""
        self.since = self._loop.time()
        self._forget()

    def drop(self) -> None:
        """Closed at once: what was not sent yet is not sent any more."""
        if self.transport is not None:
            self.transport.abort()
        self._connection.close()
        self._forget()
        self._parser = None  # it knows this line: nothing shall wait for the collector

    def release(self) -> None:
        """To be closed with the connector, which waits for its end."""
        self._connection.release()
        self._parser = None

    def _forget(self) -> None:
        self.answer = self._over = self._take = self._begin = None

    def _is_between(self) -> bool:
        """No other answer has begun behind the last one. The parser would take what comes next for the rest of it; it
        tells of what it has begun only when it is told that no more comes."""
        try:
            return self._parser is not None and self._parser.feed_eof() is None
        except Exception:  # noqa: BLE001 (whatever it thinks of that)
            return False

    # --- what the socket says ---

    def data_received(self, data: bytes) -> None:
        if self._begin is None:
            self._spoilt = True  # it would be taken for the next answer
            return
        self._feed(data)
        if self.answer is not None:
            self._look(self.answer)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Also the end of an answer that has no other one."""
        super().connection_lost(exc)
        self._handler.connection_lost(exc)
        self._spoilt = True
        if self._begin is None or self._parser is None:
            return
        gone = aiohttp.ClientOSError(*exc.args) if isinstance(exc, OSError) else aiohttp.ServerDisconnectedError()
        try:
            self._parser.feed_eof()
        except Exception as error:  # noqa: BLE001 (whatever the parser thinks of an answer that stops here)
            gone.__cause__ = error.with_traceback(None)  # no frame keeps what keeps that frame
        self._break(gone)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Called for every piece of a body that was read; there is something to do only after a pause."""
        if not self._reading_paused:
            return
        self._reading_paused, self._more = False, True
        if resume_parser and self._parser is not None:
            self._feed(b"")
        if not self._reading_paused and self.transport is not None:
            self.transport.resume_reading()

    # --- what that means ---

    def _feed(self, data: bytes) -> None:
        assert self._parser is not None
        try:
            messages, upgraded, _ = self._parser.feed_data(data)
        except Exception as error:  # noqa: BLE001 (the parser's; whoever waits gets it)
            self._spoilt = True
            self._break(error)
            if self.transport is not None:
                self.transport.abort()
            return
        if upgraded:
            self._spoilt = True
        for message, body in messages:
            if message.code in _INTERIM and not message.upgrade:
                continue
            if message.should_close or self.answer is not None:  # one that nobody asked for
                self._spoilt = True
            if self.answer is None:
                self._open(Answer(self, message, body))

    def _open(self, answer: Answer) -> None:
        assert self._begin is not None
        self.answer = answer
        self._take = self._begin(answer)
        if self._take is None:
            self._end(answer)

    def _look(self, answer: Answer) -> None:
        """Hand on what is there."""
        take, body = self._take, answer.body
        if take is None:
            return
        try:
            enough = False
            self._more = True
            while self._more and not enough:
                self._more = False  # one reading takes all there is, unless it lets the parser go on
                chunk = body.read_nowait()
                enough = bool(chunk) and take(chunk)
        except Exception as error:  # noqa: BLE001 (whoever waits gets it)
            answer.error = error.with_traceback(None)
            enough = True
        if enough or body.at_eof():
            self._end(answer)

    def _break(self, error: Exception) -> None:
        """The connection is of no use. Also breaks a body off that aiohttp leaves waiting: its parser does not tell it
        of a bad chunk (seen in 3.14.5)."""
        answer = self.answer
        if answer is None:
            self._end(error)
            return
        if not answer.body.is_eof() and answer.body.exception() is None:
            broken = aiohttp.ClientPayloadError("the connection is gone")
            broken.__cause__ = error
            answer.body.set_exception(broken)
        self._look(answer)

    def _end(self, said: Answer | Exception) -> None:
        self._take = None
        over, self._over = self._over, None
        if over is None or over.done():
            return
        if isinstance(said, Answer):
            over.set_result(said)
        else:
            over.set_exception(said)


class Answer:
    """An answer whose head is here. `error` is what broke it while it was taken."""

    __slots__ = ("body", "error", "headers", "line", "status")

    def __init__(self, line: Line, message: RawResponseMessage, body: aiohttp.StreamReader) -> None:
        self.line = line
        self.status = message.code
        self.headers: Mapping[str, str] = message.headers
        self.body = body
        self.error: Exception | None = None

    def check(self) -> None:
        """Raises what broke it."""
        error, self.error = self.error, None
        if error is not None:
            try:
                raise error
            finally:
                del error  # it knows this frame


def by_hand(_answer: Answer) -> Take | None:
    """Begin with nothing but the head."""
    return None
