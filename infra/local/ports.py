"""Ports of the loopback address for local servers."""

import random
import socket

from infra.local.leashed import LocalServerError

HOST = "127.0.0.1"
# Below the range from which systems take the ports of outgoing connections (from 32768 on Linux), so that no
# connection sits on a server's port while the server is down between two starts.
LOWEST, HIGHEST = 20_000, 32_000


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as candidate:
        # As servers do it: connections that linger after an earlier run don't count.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nobody listens on, drawn at random so that two that ask at once seldom get the same."""
    while True:
        port = random.randint(LOWEST, HIGHEST)
        if is_free(port):
            return port


def require_free(port: int, what: str, option: str) -> None:
    """Refuse a port that is taken.

    Raises:
        LocalServerError: naming the port, what wanted it and the option that chooses another.
    """
    if not is_free(port):
        raise LocalServerError(f"port {port} is taken, so {what} can't use it; choose another with {option}")


def answers(port: int) -> bool:
    """Whether something accepts connections on the port."""
    try:
        socket.create_connection((HOST, port), timeout=0.2).close()
    except OSError:
        return False
    return True
