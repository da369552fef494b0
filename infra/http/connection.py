"""A connection of uvicorn's that waits only so long for the head of a request, and says in problem details what is no HTTP.

Requests that read differently to different readers (two lengths, a length beside chunks) are refused by llhttp, on which it stands.
Who sends a whole request and closes that direction is answered all the same.
"""

import asyncio
from typing import Any, Final

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS: Final = 20.0


class TimedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, head_seconds: float = HEAD_SECONDS, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_seconds = head_seconds
        self._head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Whether the connection stays open for the answer: the client sends no more, and its request is here as a whole."""
        last: RequestResponseCycle | None = self.cycle
        if last is None or last.more_body or last.response_complete:
            return False
        last.keep_alive = False
        return True

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        self._head_is_there()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the base class has one text
        self._refuse(400, b"Bad Request", "the request is no HTTP, or can be read in more than one way", "bad_http")

    def _expect_head(self) -> None:
        self._head_is_there()
        self._head = self.loop.call_later(self._head_seconds, self._give_up)

    def _head_is_there(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self._refuse(408, b"Request Timeout", "the head of the request did not come in time", "slow_head")

    def _refuse(self, status: int, phrase: bytes, message: str, code: str) -> None:
        problem = {"code": code, "message": message, "clause": None, "field": None}
        body = orjson.dumps(
            {
                "type": f"urn:rapport:problem:{code}",
                "title": phrase.decode(),
                "status": status,
                "detail": message,
                "problems": [problem],
            }
        )
        head = b"HTTP/1.1 %d %s\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, phrase, len(body)) + body)
        self.transport.close()
