"""A connection of uvicorn's that bounds the head of a request, in seconds and in bytes, and says in problem details what is no HTTP.

Requests that read differently to different readers are refused: those with two lengths or a length beside chunks by llhttp, on which
it stands, those to two hosts here.
Fields after a body that comes in chunks are dropped, since they are none of the head (RFC 9110, 6.5.1). Who sends a whole request and
closes that direction is answered all the same, and who closes it within a body is told so. Requests may come before earlier ones are
answered, up to a bound. Nothing is read after a refusal, which is said in its turn, behind the answers to earlier requests.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Final

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from domain.problem import Problem
from infra.http.problems import CUT_OFF, MEDIA_TYPE, HttpProblem, body_of

HEAD_SECONDS: Final = 20.0
# The request line and all fields, those after a body too.
MAX_HEAD_BYTES: Final = 64 * 1024
MAX_FIELDS: Final = 200
# Requests that wait for the answers to those before them in their connection.
MAX_WAITING: Final = 100
# A chunk may have so many bytes beside its content; what its extensions take beyond that counts as a head does.
_CHUNK_BYTES: Final = 128
# A colon, a space and the end of the line.
_FIELD_BYTES: Final = 4


class _Refused(Exception):
    """Ends the parsing; the refusal is said already."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, head_seconds: float = HEAD_SECONDS, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_seconds = head_seconds
        self._head: asyncio.TimerHandle | None = None
        # Whether what comes is a head, or between two requests; else it is a body.
        self._in_head = True
        self._head_bytes = 0
        self._fields = 0
        # What came and was neither told by the parser as a body nor counted as a head: a field that has no end, an extension.
        self._untold = 0
        self._refusal: bytes | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            return
        self._untold += len(data)
        super().data_received(data)
        if self._untold > MAX_HEAD_BYTES and self._refusal is None:
            self._refuse_head()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Whether the connection stays open for an answer: to requests that are here as a whole, or to one that is cut off."""
        last: RequestResponseCycle | None = self.cycle
        if last is None or last.response_complete:
            return False
        if self._refusal is not None:
            return True
        if last.more_body:
            last.scope[CUT_OFF] = True  # type: ignore[typeddict-unknown-key]
            last.more_body = False
            last.message_event.set()
        last.keep_alive = False
        return True

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = self._fields = 0
        self._untold = 0
        self._expect_head()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        self._count(len(name) + len(value) + _FIELD_BYTES)
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head_is_there()
        if len(self.pipeline) >= MAX_WAITING:
            said = "too many requests of this connection wait for their answers: send it again later"
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, Problem("overloaded", said))
            raise _Refused
        if sum(name == b"host" for name, _ in self.headers) > 1:
            self.send_400_response("")
            raise _Refused
        super().on_headers_complete()
        self._in_head = False
        self._untold = 0

    def on_chunk_header(self) -> None:
        self._untold = max(0, self._untold - _CHUNK_BYTES)

    def on_body(self, body: bytes) -> None:
        self._untold = max(0, self._untold - len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True
        self._untold = 0

    def on_response_complete(self) -> None:
        was_last = not self.pipeline
        super().on_response_complete()
        if was_last and self._refusal is not None:
            self._end(self._refusal)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the base class has one text
        if self._refusal is None:
            said = "the request is no HTTP, or can be read in more than one way"
            self._refuse(HTTPStatus.BAD_REQUEST, Problem("bad_http", said))

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES or self._fields > MAX_FIELDS:
            self._refuse_head()
            raise _Refused

    def _expect_head(self) -> None:
        self._head_is_there()
        self._head = self.loop.call_later(self._head_seconds, self._give_up)

    def _head_is_there(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _give_up(self) -> None:
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, Problem("slow_head", "the head of the request did not come in time"))

    def _refuse_head(self) -> None:
        said = f"expected a head of at most {MAX_HEAD_BYTES} bytes and {MAX_FIELDS} fields, with those after the body"
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, Problem("head_too_large", said))

    def _refuse(self, status: HTTPStatus, problem: Problem) -> None:
        """Read no more, and say why once earlier requests are answered."""
        self._head_is_there()
        body = orjson.dumps(body_of(HttpProblem(status, problem)))
        head = b"HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        said = head % (status, status.phrase.encode(), MEDIA_TYPE.encode(), len(body)) + body
        self._refusal = said
        last: RequestResponseCycle | None = self.cycle
        if self._in_head:
            if last is None or last.response_complete:
                self._end(said)
        elif self.pipeline and self.pipeline[0][0] is last:
            # It waits for its turn, and never gets one.
            self.pipeline.popleft()
        else:
            # An answer that has begun can't be taken back, and a second one would be that to another request.
            self._end(b"" if last is None or last.response_started else said)

    def _end(self, said: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(said)
            self.transport.close()
