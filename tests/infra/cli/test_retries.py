"""While a server is starting up statements are tried again, and standard output still carries answers alone."""

import csv
import io
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from urllib.parse import urlsplit

import pytest

from tests.infra.cli.process import SUBJECT, at_terminal, run
from tests.messages import contact, proposal

STARTING = b"SFATAL\x00VFATAL\x00C57P03\x00Mthe database system is starting up\x00\x00"
ASKS_FOR_TLS = {80877103, 80877104}


class StartingUp:
    """Stands before a PostgreSQL and answers 57P03 to the first connections after `begin`, as after a restart."""

    def __init__(self, port: int) -> None:
        self.target, self.left = port, 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.server.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            if self.left > 0:
                self.left -= 1
                while struct.unpack("!ii", client.recv(8))[1] in ASKS_FOR_TLS:
                    client.sendall(b"N")
                client.sendall(b"E" + struct.pack("!i", len(STARTING) + 4) + STARTING)
                return
            with socket.create_connection(("127.0.0.1", self.target)) as server:
                threading.Thread(target=self._pump, args=(server, client), daemon=True).start()
                self._pump(client, server)

    @staticmethod
    def _pump(giver: socket.socket, taker: socket.socket) -> None:
        with suppress(OSError):
            while chunk := giver.recv(65_536):
                taker.sendall(chunk)
            taker.shutdown(socket.SHUT_WR)


@pytest.fixture
def starting(postgres_url: str) -> Iterator[tuple[StartingUp, str]]:
    port = urlsplit(postgres_url).port
    assert port is not None
    assert run(postgres_url, "submit", stdin=proposal()).returncode == 0
    with closing(StartingUp(port)) as server:
        yield server, postgres_url.replace(f":{port}/", f":{server.port}/")


@pytest.mark.parametrize("form", ["json", "text"])
def test_answers_are_pure_while_statements_are_tried_again(starting: tuple[StartingUp, str], form: str) -> None:
    server, store = starting

    def ask(*arguments: str, stdin: bytes = b"") -> str:
        server.left = 2
        done = run(store, *arguments, stdin=stdin, env={"RAPPORT_LOG_FORMAT": form})
        assert (done.returncode, server.left) == (0, 0), done.stderr
        assert b"retry" in done.stderr
        assert b"\x1b" not in done.stderr
        return done.stdout.decode()

    assert json.loads(ask("health", "--json"))[0]["relationship_id"] == SUBJECT
    assert json.loads(ask("submit", stdin=contact(1, f"c-{form}")))["status"] == "accepted"
    assert next(iter(csv.reader(io.StringIO(ask("nps", "--csv")))))[0] == "role"
    assert json.loads(ask("history", SUBJECT, "--json"))[0]["version"] == 1
    assert json.loads(ask("tasks", "--json")) == []


def test_a_terminal_sees_the_log_lines_without_colours(starting: tuple[StartingUp, str]) -> None:
    server, store = starting
    server.left = 2
    code, sent = at_terminal(store, "show", SUBJECT)
    assert code == 0
    assert "retry" in sent
    assert "\x1b" not in sent
