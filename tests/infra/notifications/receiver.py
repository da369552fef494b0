"""A real HTTP server on loopback that takes webhooks and answers as it is told to, badly too."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson


@dataclass
class Post:
    """One request as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict[str, object]:
        found: dict[str, object] = orjson.loads(self.body)["data"]
        return found


Answer = Callable[["Handler"], None]


@dataclass
class Receiver:
    """`answers` are used one after the other, the last one for good. `posts` is what came."""

    port: int
    answers: list[Answer] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    connections: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        return [post.id for post in self.posts]

    def next_answer(self, post: Post) -> Answer:
        with self.lock:
            self.posts.append(post)
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    receiver: Receiver

    def setup(self) -> None:
        super().setup()
        self.receiver.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.receiver.next_answer(Post(headers, body))(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the library
        pass


def status(code: int, **headers: str) -> Answer:
    """Answer with a status, headers (`retry_after="3"`) and a short body."""

    def answer(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    return answer


def hang(handler: Handler) -> None:
    """Never answer."""
    handler.receiver.stopping.wait(30)
    handler.close_connection = True


def drip(handler: Handler) -> None:
    """Answer one byte at a time, for ever."""
    for byte in b"HTTP/1.1 200 OK\r\n" + b"x-slow: yes\r\n" * 1000:
        if handler.receiver.stopping.wait(0.1):
            break
        try:
            handler.wfile.write(bytes([byte]))
        except OSError:
            break
    handler.close_connection = True


def hang_up(handler: Handler) -> None:
    """Close the connection without a word."""
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def endless(handler: Handler) -> None:
    """Answer 200 and a body that never ends."""
    handler.send_response(200)
    handler.send_header("content-length", str(10**12))
    handler.end_headers()
    while not handler.receiver.stopping.is_set():
        try:
            handler.wfile.write(b"x" * 65536)
        except OSError:
            break
    handler.close_connection = True


def after(seconds: float, then: Answer) -> Answer:
    """Answer so, but later."""

    def answer(handler: Handler) -> None:
        time.sleep(seconds)
        then(handler)

    return answer


def when(event: threading.Event, then: Answer) -> Answer:
    """Answer so, but only once the event has happened."""

    def answer(handler: Handler) -> None:
        assert event.wait(30)
        then(handler)

    return answer


def doing(act: Callable[[], object], then: Answer) -> Answer:
    """Do something first, then answer so."""

    def answer(handler: Handler) -> None:
        act()
        then(handler)

    return answer


@contextmanager
def receiving(*answers: Answer) -> Iterator[Receiver]:
    """A running receiver."""
    handler = type("Bound", (Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        receiver = handler.receiver = Receiver(server.server_port, list(answers) or [status(200)])  # type: ignore[attr-defined]
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.stopping.set()
            server.shutdown()
            thread.join()
