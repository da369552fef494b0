"""Three pages over HTTP on a port of the process's own: `/metrics` for Prometheus, `/live` and `/ready` for supervisors.

The last two answer 200 or 503, with JSON that says which part is not well. They hold no personal data, but are for the
inside of a network: by default they listen on the loopback address alone.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from infra.operations.logs import logger
from infra.operations.metrics import REGISTRY
from infra.operations.vitals import Report, Vitals

HOST: Final = "127.0.0.1"
LONGEST_REQUEST_SECONDS: Final = 10

log = logger("rapport.process")


class PortTaken(Exception):
    """The port for metrics can't be listened on; the message says why."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    vitals: Vitals

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the standard library's names
        """The client has gone before the answer, as probes do that wait for a second only; nothing else can go wrong here."""
        log.debug("a page could not be sent", error=str(sys.exception()))


class _Pages(BaseHTTPRequestHandler):
    server: _Server
    timeout = LONGEST_REQUEST_SECONDS

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/metrics":
                self._answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(REGISTRY))
            case "/live":
                self._report(self.server.vitals.live())
            case "/ready":
                self._report(self.server.vitals.ready())
            case _:
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"/metrics, /live or /ready\n")

    def _report(self, report: Report) -> None:
        status = HTTPStatus.OK if report.ok else HTTPStatus.SERVICE_UNAVAILABLE
        self._answer(status, "application/json", orjson.dumps(report.to_dict()))

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Log no line for every scrape."""


@contextmanager
def endpoints(vitals: Vitals, port: int, host: str = HOST) -> Iterator[int]:
    """Serve the pages while the block runs; yields the port, which the system chooses for 0.

    Raises:
        PortTaken: Another process listens on the port.
    """
    try:
        server = _Server((host, port), _Pages)
    except OSError as error:
        raise PortTaken(f"can't listen on {host}:{port} for metrics: {error.strerror}") from error
    server.vitals = vitals
    thread = threading.Thread(target=server.serve_forever, name="endpoints", daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
