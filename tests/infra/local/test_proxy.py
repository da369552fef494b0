"""The proxy of the fault tests does to connections what it says, tried on a server that answers each line in capitals."""

import socket
import threading
from collections.abc import Iterator
from socketserver import StreamRequestHandler, ThreadingTCPServer
from time import monotonic, sleep

import pytest

from tests.proxy import Proxy


class Loud(StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.server.heard.append(line)  # type: ignore[attr-defined]
            self.wfile.write(line.upper())


class Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Loud)
        self.heard: list[bytes] = []


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with Proxy(server.server_address[1]) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with connected(proxy) as client:
        assert ask(client, b"hello\n") == b"HELLO\n"
        yield client


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def ask(client: socket.socket, line: bytes) -> bytes:
    client.sendall(line)
    answer = b""
    while len(answer) < len(line):
        more = client.recv(65536)
        if not more:
            break
        answer += more
    return answer


def silent(client: socket.socket, seconds: float = 0.2) -> bool:
    """Whether nothing comes, not even an end."""
    client.settimeout(seconds)
    try:
        client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(5)
    return False


def ended(client: socket.socket) -> bool:
    """Whether the connection was closed under us."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_it_forwards_both_ways_in_order(client: socket.socket) -> None:
    line = b"x" * 1_000_000 + b"\n"
    sender = threading.Thread(target=client.sendall, args=(line,))
    sender.start()
    answer = b""
    while len(answer) < len(line):
        answer += client.recv(65536)
    sender.join()
    assert answer == line.upper()


def test_a_half_close_arrives(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_WR)
    assert ended(client)


def test_cut_closes_what_is_connected_and_accepts_anew(proxy: Proxy, client: socket.socket) -> None:
    proxy.cut()
    assert proxy.connections == 0
    assert ended(client)
    with connected(proxy) as again:
        assert ask(again, b"hello\n") == b"HELLO\n"


def test_refuse_closes_and_refuses_until_restored(proxy: Proxy, client: socket.socket) -> None:
    proxy.refuse()
    assert ended(client)
    with pytest.raises(ConnectionRefusedError):
        connected(proxy)
    proxy.restore()
    with connected(proxy) as again:
        assert ask(again, b"hello\n") == b"HELLO\n"


def test_slow_delays_each_chunk(proxy: Proxy, client: socket.socket) -> None:
    proxy.slow(delay_seconds=0.15)
    began = monotonic()
    assert ask(client, b"hello\n") == b"HELLO\n"
    assert monotonic() - began >= 0.3
    proxy.restore()
    began = monotonic()
    assert ask(client, b"hello\n") == b"HELLO\n"
    assert monotonic() - began < 0.15


def test_slow_bounds_the_bytes_a_second(proxy: Proxy, client: socket.socket) -> None:
    proxy.slow(bytes_per_second=10_000)
    began = monotonic()
    assert len(ask(client, b"x" * 1999 + b"\n")) == 2000
    assert 0.35 <= monotonic() - began < 3


def test_restoring_frees_what_a_slow_connection_holds(proxy: Proxy, client: socket.socket) -> None:
    proxy.slow(bytes_per_second=1000)
    client.sendall(b"x" * 99_999 + b"\n")
    sleep(0.1)
    proxy.restore()
    began = monotonic()
    answer = b""
    while len(answer) < 100_000:
        answer += client.recv(65536)
    assert monotonic() - began < 3


def test_half_open_keeps_connections_and_swallows_both_ways(
    server: Server, proxy: Proxy, client: socket.socket
) -> None:
    proxy.half_open()
    client.sendall(b"lost\n")
    assert silent(client)
    with connected(proxy) as another:
        another.sendall(b"lost\n")
        assert silent(another)
        assert proxy.connections == 2
        assert server.heard == [b"hello\n"]
        proxy.restore()
        assert ended(another)
    assert ended(client)
    with connected(proxy) as again:
        assert ask(again, b"hello\n") == b"HELLO\n"


def test_half_open_swallows_the_servers_farewell_too(server: Server, proxy: Proxy, client: socket.socket) -> None:
    proxy.half_open()
    client.shutdown(socket.SHUT_WR)
    assert silent(client)
    proxy.cut()
    assert ended(client)


def test_a_connection_that_lost_nothing_goes_on_after_half_open(proxy: Proxy, client: socket.socket) -> None:
    proxy.half_open()
    proxy.restore()
    assert ask(client, b"hello\n") == b"HELLO\n"


def test_lost_replies_leave_the_request_done(server: Server, proxy: Proxy, client: socket.socket) -> None:
    proxy.lose_replies()
    client.sendall(b"done\n")
    assert silent(client)
    assert server.heard == [b"hello\n", b"done\n"]
    proxy.restore()
    assert ended(client)


def test_a_server_that_is_down_looks_like_a_cut(server: Server) -> None:
    with Proxy(1) as proxy, connected(proxy) as client:
        assert ended(client)


def test_closing_ends_the_thread(server: Server) -> None:
    with Proxy(server.server_address[1]) as proxy, connected(proxy) as client:
        ask(client, b"hello\n")
    assert f"proxy-{proxy.port}" not in [thread.name for thread in threading.enumerate()]
