"""A TCP proxy on the loopback address whose connections can be cut, refused, slowed, swallowed or robbed of replies.

    with Proxy(server_port) as proxy:
        connect(proxy.port)
        proxy.cut()

It runs in a thread of its own; each call has taken effect when it returns. `restore` undoes all but a cut.
"""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterable
from types import TracebackType
from typing import Any, Literal, Self

from infra.local.ports import HOST, free_port

CHUNK = 64 * 1024
# How often a second a slowed connection forwards its share.
SLOW_STEPS = 20
CALL_SECONDS = 10

Way = Literal["requests", "replies"]


class _Link:
    """One client's connection and the one to the server that stands for it, if there is any."""

    def __init__(self, client: asyncio.StreamWriter, task: asyncio.Task[None]) -> None:
        self.writers = [client]
        self.task = task
        self.lost_bytes = False

    def abort(self) -> None:
        """Close both sides at once, whatever was under way."""
        for writer in self.writers:
            writer.transport.abort()


class Proxy:
    """Forwards connections on `port` to `target_port`; nothing is done to them until a method says so."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = free_port()
        self._delay_seconds = 0.0
        self._bytes_per_second: float | None = None
        self._swallowed: frozenset[Way] = frozenset()
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{self.port}", daemon=True)
        self._thread.start()
        self._do(self._listen())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self._links)

    def cut(self) -> None:
        """Close every connection; new ones are accepted."""
        self._do(self._cut())

    def refuse(self) -> None:
        """Close every connection and refuse new ones, as a server does that is down."""
        self._do(self._refuse())

    def slow(self, *, delay_seconds: float = 0, bytes_per_second: float | None = None) -> None:
        """Hold back every chunk for a while, and let no more bytes a second through each way of a connection."""
        self._delay_seconds = delay_seconds
        self._bytes_per_second = bytes_per_second

    def half_open(self) -> None:
        """Keep connections open, accept new ones, and forward nothing: the other side has vanished without a word."""
        self._swallowed = frozenset(("requests", "replies"))

    def lose_replies(self) -> None:
        """Forward what clients send and swallow what the server answers: a commit takes effect, nobody hears of it."""
        self._swallowed = frozenset(("replies",))

    def restore(self) -> None:
        """Forward again and accept connections. Those that have lost bytes meanwhile are cut: they can't be mended."""
        self.slow()
        self._do(self._restore())

    def close(self) -> None:
        """Cut everything and end the thread."""
        self._do(self._refuse())
        self._do(self._settle())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(CALL_SECONDS)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, HOST, self.port, limit=CHUNK)

    async def _cut(self) -> None:
        await asyncio.sleep(0)  # connections just accepted come to be links
        await self._end(self._links)

    async def _end(self, links: Iterable[_Link]) -> None:
        ending = [link.task for link in links]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _refuse(self) -> None:
        if self._server is not None:
            # A connection that was accepted and is not made yet when the server closes is never closed: make those first.
            for listening in self._server.sockets:
                self._loop.remove_reader(listening.fileno())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self._server.close()
            self._server = None
        await self._cut()

    async def _settle(self) -> None:
        """End what was accepted at the last moment as well, once it has come to be a link, and wait until all is closed."""
        while asyncio.all_tasks() - {asyncio.current_task()}:
            await self._end(self._links)
            await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _restore(self) -> None:
        self._swallowed = frozenset()
        await self._end(link for link in self._links if link.lost_bytes)
        if self._server is None:
            await self._listen()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        link = _Link(writer, task)
        self._links.add(link)
        try:
            if "requests" in self._swallowed:
                await self._swallow(link, reader)
            else:
                await self._forward(link, reader)
        except (OSError, asyncio.CancelledError):
            pass  # one side is gone or we cut it, so the other goes too
        finally:
            link.abort()
            self._links.discard(link)

    async def _swallow(self, link: _Link, reader: asyncio.StreamReader) -> None:
        """A connection that never had a server behind it: read until it is cut."""
        link.lost_bytes = True
        while await reader.read(CHUNK):
            pass

    async def _forward(self, link: _Link, reader: asyncio.StreamReader) -> None:
        there, server = await asyncio.open_connection(HOST, self.target_port, limit=CHUNK)
        link.writers.append(server)
        ways = [
            asyncio.ensure_future(self._pump(link, "requests", reader, server)),
            asyncio.ensure_future(self._pump(link, "replies", there, link.writers[0])),
        ]
        try:
            await asyncio.gather(*ways)
        finally:
            for way in ways:
                way.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError):
                    await way

    async def _pump(self, link: _Link, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            await asyncio.sleep(self._delay_seconds)
            while chunk:
                rate = self._bytes_per_second
                size = len(chunk) if rate is None else max(1, int(rate / SLOW_STEPS))
                piece, chunk = chunk[:size], chunk[size:]
                if rate is not None:
                    await asyncio.sleep(size / rate)
                if way in self._swallowed:
                    link.lost_bytes = True
                else:
                    writer.write(piece)
                    await writer.drain()
        if way in self._swallowed:
            # Its farewell is swallowed too, so the connection hangs until it is cut.
            link.lost_bytes = True
            await asyncio.Event().wait()
        elif writer.can_write_eof():
            writer.write_eof()
