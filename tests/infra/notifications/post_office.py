"""A real SMTP server on loopback (aiosmtpd) that takes mail and answers as it is told to."""

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

TAKEN = "250 OK"


@dataclass
class PostOffice:
    """`recipients` and `message` are used one after the other, the last one for good: what is said to RCPT TO and to the message.

    `sender` is said to MAIL FROM. `mails` and `envelopes` are what came; `greetings` the names by which clients called themselves.
    """

    port: int = 0
    recipients: list[str] = field(default_factory=lambda: [TAKEN])
    message: list[str] = field(default_factory=lambda: [TAKEN])
    sender: str = TAKEN
    seconds: float = 0.0
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    greetings: list[str] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)

    # The names are aiosmtpd's.
    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.greetings.append(hostname)
        return responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.sender == TAKEN:
            envelope.mail_from = address
        return self.sender

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        said = _next(self.recipients)
        if said == TAKEN:
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.seconds)
        said = _next(self.message)
        if said == TAKEN:
            assert isinstance(envelope.content, bytes)
            self.envelopes.append(envelope)
            self.mails.append(BytesParser(EmailMessage, policy=default).parsebytes(envelope.content))
        return said

    def login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth: Any) -> AuthResult:
        assert isinstance(auth, LoginPassword)
        self.logins.append(auth.password)
        return AuthResult(handled=False, success=auth == LoginPassword(b"rapport", b"secret & 100 %"))


class ClosingController(Controller):
    """Closes its connections when it stops. The library leaves them to the garbage collector, which blames another test."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.sessions: list[SMTP] = []
        super().__init__(*arguments, **options)

    def factory(self) -> SMTP:
        self.sessions.append(super().factory())  # type: ignore[no-untyped-call]
        return self.sessions[-1]

    def cancel_tasks(self, stop_loop: bool = True) -> None:
        assert stop_loop
        self._ending = self.loop.create_task(self._end())

    async def _end(self) -> None:
        assert self.server is not None
        self.server.close()
        for _ in range(2):
            for session in self.sessions:
                # One of TLS that was closed already knows its connection no more, and Python 3.11 asks that for it.
                if isinstance(session.transport, asyncio.WriteTransport):
                    with suppress(AttributeError):
                        session.transport.abort()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await asyncio.sleep(0)
        self.loop.stop()


def _next(answers: list[str]) -> str:
    return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def mail_server(*, tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[PostOffice]:
    """A running server; `tls` from the first byte, else options of aiosmtpd (`tls_context` for STARTTLS)."""
    office = PostOffice()
    if "auth_required" in options:
        options["authenticator"] = office.login
    # Port 0 would not do: the library connects to the port it was given in order to see whether it is up.
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        office.port = found.getsockname()[1]
    controller = ClosingController(office, "127.0.0.1", office.port, ssl_context=tls, ready_timeout=20, **options)
    controller.start()
    try:
        yield office
    finally:
        controller.stop()


@contextmanager
def mute_server(*lines: bytes) -> Iterator[int]:
    """A server that says these lines, one for each thing it hears, and then nothing at all; its port."""
    stopping = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)

        def serve() -> None:
            open_: list[socket.socket] = []
            while not stopping.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                open_.append(connection)
                for line in lines:
                    connection.sendall(line)
                    connection.recv(1000)
            for connection in open_:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            stopping.set()
            thread.join()


def certificate(folder: Path, host: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context with a new certificate of its own for an address, and the file of that certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "mail.pem", folder / "mail.key"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    return context, cert_file
