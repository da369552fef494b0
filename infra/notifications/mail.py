"""E-mail over SMTP: plain text with an HTML alternative, to those whose address a file or their own entry has.

The Message-ID is made of the notification's id and stays the same however often it is sent. What the server says of the recipient
or the message decides: 5xx won't ever take it, 4xx will be tried again; what it says of us (sender, login) is trouble with
the route. Of the server's words only the codes are kept: the rest may hold the address.
"""

import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from pathlib import Path
from typing import ClassVar, Final, Literal
from urllib.parse import unquote, urlsplit

from infra.configured_file import read_secret
from infra.notifications.addresses import NO_ENTRIES, AddressBook, Entries, address, read_addresses
from infra.notifications.outbox import Notification
from infra.notifications.route import Channel, Refusal, Route, Trouble
from infra.notifications.wording import Wording
from infra.settings import Settings, WrongSettings

_ENHANCED: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\d)")
UNAVAILABLE: Final = 421


@dataclass(frozen=True)
class Server:
    """Where the mail server is and how it is spoken to. `tls`: from the first byte."""

    host: str
    port: int
    tls: bool
    starttls: Literal["always", "offered", "never"]
    user: str | None
    password: str | None


class MailRoute(Route):
    """One connection, made when needed; a server that has closed it meanwhile is called again once."""

    channel: ClassVar[Channel] = "email"

    def __init__(self, server: Server, sender: str, addresses: AddressBook, seconds: float) -> None:
        self.server = server
        self.sender = sender
        self.sender_address = address(sender)
        self.addresses = addresses
        self.seconds = seconds
        self._connection: smtplib.SMTP | None = None

    def takes(self, recipient: str) -> bool:
        return self.addresses.of(recipient) is not None

    def send(self, note: Notification, wording: Wording) -> None:
        to = self.addresses.of(note.recipient)
        if to is None:
            raise Trouble("the recipient has no address any more")
        mail = self.compose(note, wording, to)
        used = self._connection is not None
        try:
            self._transmit(mail, to)
        except Trouble as trouble:
            if not used or not trouble.everybody:
                raise
            self._transmit(mail, to)

    def compose(self, note: Notification, wording: Wording, to: str) -> EmailMessage:
        """The message: to one recipient, from a machine, with nothing in its head but the title."""
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self.sender
        mail["To"] = to
        mail["Subject"] = wording.title
        mail["Date"] = formatdate()
        mail["Message-ID"] = f"<{note.id}@{self.sender_address.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(wording.plain)
        mail.add_alternative(wording.html, subtype="html")
        return mail

    def _transmit(self, mail: EmailMessage, to: str) -> None:
        try:
            if self._connection is None:
                self._connection = self._connected()
            with _limited(self._connection, self.seconds):
                self._connection.send_message(mail, self.sender_address, [to])
        except Exception as error:  # noqa: BLE001 - smtplib and ssl raise whatever they like when they are cut off
            found = explain(error, self.seconds)
            everybody = isinstance(found, Trouble) and found.everybody
            if everybody or not isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError):
                self._drop()
            raise found from None

    def _connected(self) -> smtplib.SMTP:
        """A connection, encrypted and logged in as the settings say."""
        server = self.server
        domain = self.sender_address.rpartition("@")[2]
        connection: smtplib.SMTP
        if server.tls:
            context = ssl.create_default_context()
            connection = smtplib.SMTP_SSL(server.host, server.port, domain, timeout=self.seconds, context=context)
        else:
            connection = smtplib.SMTP(server.host, server.port, domain, timeout=self.seconds)
        try:
            with _limited(connection, self.seconds):
                self._greet(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _greet(self, connection: smtplib.SMTP) -> None:
        server = self.server
        connection.ehlo_or_helo_if_needed()
        secure = server.tls
        if not secure and server.starttls != "never":
            if connection.has_extn("starttls"):
                connection.starttls(context=ssl.create_default_context())
                secure = True
            elif server.starttls == "always":
                raise Trouble("the mail server offers no STARTTLS", everybody=True)
        if server.user is None:
            return
        if not secure and server.starttls != "never":
            raise Trouble("the mail server offers no STARTTLS, and a password is sent over TLS alone", everybody=True)
        connection.login(server.user, server.password or "")

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        if self._connection is not None:
            with suppress(smtplib.SMTPException, OSError), _limited(self._connection, self.seconds):
                self._connection.quit()
        self._drop()


@contextmanager
def _limited(connection: smtplib.SMTP, seconds: float) -> Iterator[None]:
    """Cut the connection when the block takes too long: a server that drips its answer resets every other time-out."""

    def cut() -> None:
        # The socket of now: STARTTLS puts another in its place.
        with suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def explain(error: Exception, seconds: float) -> Refusal | Trouble:
    """What an error of smtplib means."""
    match error:
        case Trouble() | Refusal():
            return error
        case smtplib.SMTPRecipientsRefused():
            [(code, words), *_] = error.recipients.values()
            return _answered("the mail server refused the recipient", code, words)
        case smtplib.SMTPSenderRefused():
            return Trouble(
                _reason("the mail server refused the sender", error.smtp_code, error.smtp_error), everybody=True
            )
        case smtplib.SMTPDataError():
            return _answered("the mail server refused the message", error.smtp_code, error.smtp_error)
        case smtplib.SMTPAuthenticationError():
            return Trouble(
                _reason("the mail server refused the login", error.smtp_code, error.smtp_error), everybody=True
            )
        case smtplib.SMTPResponseException():
            return Trouble(_reason("the mail server answered", error.smtp_code, error.smtp_error), everybody=True)
        case smtplib.SMTPNotSupportedError():
            return Refusal("the mail server can't send to addresses of this kind")
        case TimeoutError():
            return Trouble(f"the mail server did not answer within {seconds:g} s", everybody=True)
        case ssl.SSLCertVerificationError():
            return Trouble("the mail server's certificate is not trusted", everybody=True)
        case OSError():
            return Trouble(f"the mail server can't be reached ({type(error).__name__})", everybody=True)
        case _:
            return Trouble(f"the message can't be sent ({type(error).__name__})")


def _answered(what: str, code: int, words: bytes | str) -> Refusal | Trouble:
    reason = _reason(what, code, words)
    return Refusal(reason) if 500 <= code < 600 else Trouble(reason, everybody=code == UNAVAILABLE)


def _reason(what: str, code: int, words: bytes | str) -> str:
    text = words.decode("ascii", "replace") if isinstance(words, bytes) else words
    found = _ENHANCED.match(text)
    return f"{what}: {code}{f' {found[0]}' if found else ''}"


def open_mail(settings: Settings, entries: Entries = NO_ENTRIES) -> MailRoute:
    """The route that the settings describe; `entries` know the addresses of people.

    Raises:
        WrongSettings: A setting is wrong.
    """
    assert settings.smtp_from is not None, "settings come whole"
    try:
        address(settings.smtp_from)
    except ValueError as error:
        raise WrongSettings(f"RAPPORT_SMTP_FROM: {settings.smtp_from!r} {error}") from None
    file = {} if settings.addresses is None else read_addresses(settings.addresses)
    return MailRoute(server_of(settings), settings.smtp_from, AddressBook(file, entries), settings.notify_seconds)


def server_of(settings: Settings) -> Server:
    """The server of `RAPPORT_SMTP`.

    Raises:
        WrongSettings: A setting is wrong.
    """
    try:
        parts = urlsplit(settings.smtp or "")
        tls, port = parts.scheme == "smtps", parts.port
    except ValueError:
        parts, tls, port = urlsplit(""), False, None
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.password is not None:
        raise WrongSettings(
            "RAPPORT_SMTP: expected smtp://[user@]host[:port] or smtps://…; the password is in RAPPORT_SMTP_PASSWORD_FILE"
        )
    user = unquote(parts.username) if parts.username else None
    password = None
    if user:
        assert settings.smtp_password_file is not None, "settings come whole"
        password = _password(settings.smtp_password_file)
    if not f"{user}{password}".isascii():
        raise WrongSettings("RAPPORT_SMTP: user and password may have ASCII characters alone")
    return Server(parts.hostname, port or (465 if tls else 25), tls, settings.smtp_starttls, user, password)


def _password(path: Path | None) -> str:
    if path is None:
        raise WrongSettings("RAPPORT_SMTP_PASSWORD_FILE: the user in RAPPORT_SMTP needs a password")
    return read_secret(path, "RAPPORT_SMTP_PASSWORD_FILE")
