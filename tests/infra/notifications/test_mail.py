"""E-mail against a real SMTP server: what is sent, over what kind of connection, and what becomes of every kind of answer."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from infra.local.ports import free_port
from infra.notifications.mail import MailRoute, open_mail, server_of
from infra.notifications.outbox import Notification
from infra.notifications.route import Refusal, Trouble
from infra.notifications.wording import words_of
from infra.settings import Settings, WrongSettings
from tests.infra.notifications.notes import note
from tests.infra.notifications.post_office import PostOffice, certificate, mail_server, mute_server

NOTE = note("0197c0de-0000-5000-8000-000000000001", clauses=("pentalog.next-session",))


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with mail_server() as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "addresses.toml").write_text('"mentee:ana" = "ana@example.org"\n"mentor:ben" = "ben@example.org"\n')
    (tmp_path / "password").write_text("secret & 100 %\n")
    return tmp_path


def mailing(folder: Path, url: str, **options: Any) -> Settings:
    sender = options.pop("smtp_from", "Rapport <rapport@mentoring.example>")
    return Settings(smtp=url, smtp_from=sender, addresses=folder / "addresses.toml", **options)


def mailer(folder: Path, url: str, seconds: float = 2, **options: Any) -> "closing[MailRoute]":
    return closing(open_mail(mailing(folder, url, notify_seconds=seconds, **options)))


def plain(office: PostOffice) -> str:
    return f"smtp://127.0.0.1:{office.port}"


def send(route: MailRoute, what: Notification = NOTE) -> None:
    route.send(what, words_of(what))


def test_plain_text_and_html_go_to_one_recipient(office: PostOffice, folder: Path) -> None:
    with mailer(folder, plain(office)) as route:
        assert route.takes("mentee:ana")
        assert not route.takes("mentee:eve")
        send(route)
    [mail], [envelope] = office.mails, office.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("rapport@mentoring.example", ["ana@example.org"])
    assert mail["From"] == "Rapport <rapport@mentoring.example>"
    assert mail["To"] == "ana@example.org"
    assert mail["Subject"] == "No session is scheduled"
    assert mail["Message-ID"] == f"<{NOTE.id}@mentoring.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"]
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert mail.get_content_type() == "multipart/alternative"
    assert text is not None
    assert html is not None
    for part in (text, html):
        for piece in ("Sessions left in your plan: 2.", "pentalog.next-session", "rapport show 0197-r1", NOTE.id):
            assert piece in part.get_content()
    assert "ana" not in text.get_content()
    # The name of this machine is nobody's business.
    assert office.greetings == ["mentoring.example"]


def test_a_connection_serves_for_many_and_nobody_sees_the_other(office: PostOffice, folder: Path) -> None:
    with mailer(folder, plain(office)) as route:
        send(route)
        send(route, NOTE._replace(recipient="mentor:ben"))
    assert len(office.greetings) == 1
    assert [mail["To"] for mail in office.mails] == ["ana@example.org", "ben@example.org"]


@pytest.mark.parametrize("said", ["550 5.1.1 <ana@example.org> is unknown here", "553 no"])
def test_a_recipient_that_bounces_is_refused_and_not_named(office: PostOffice, folder: Path, said: str) -> None:
    office.recipients = [said, "250 OK"]
    with mailer(folder, plain(office)) as route:
        with pytest.raises(Refusal) as caught:
            send(route)
        send(route)
    reason = str(caught.value)
    assert reason == "the mail server refused the recipient: " + ("550 5.1.1" if "5.1.1" in said else "553")
    assert len(office.mails) == 1


def test_a_message_that_is_refused_for_good_is_refused(office: PostOffice, folder: Path) -> None:
    office.message = ["554 5.7.1 looks like spam"]
    with mailer(folder, plain(office)) as route, pytest.raises(Refusal, match=r"refused the message: 554 5\.7\.1$"):
        send(route)


@pytest.mark.parametrize("where", ["recipients", "message"])
def test_what_is_refused_for_now_is_trouble_of_this_one_alone(office: PostOffice, folder: Path, where: str) -> None:
    setattr(office, where, ["451 4.7.1 greylisted", "250 OK"])
    with mailer(folder, plain(office)) as route:
        with pytest.raises(Trouble, match=r"451 4\.7\.1$") as caught:
            send(route)
        assert not caught.value.everybody
        send(route)


def test_a_sender_that_is_refused_is_trouble_of_the_route(office: PostOffice, folder: Path) -> None:
    office.sender = "550 5.7.1 not you"
    with mailer(folder, plain(office)) as route, pytest.raises(Trouble, match="refused the sender: 550") as caught:
        send(route)
    assert caught.value.everybody


def test_a_server_that_ended_the_connection_meanwhile_is_called_again(office: PostOffice, folder: Path) -> None:
    with mailer(folder, plain(office)) as route:
        send(route)
        office.recipients = ["421 4.3.2 enough for today", "250 OK"]
        send(route)
        assert route._connection is not None
        route._connection.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        send(route)
    assert len(office.mails) == 3
    assert len(office.greetings) == 3


def test_a_server_that_is_not_there_is_trouble(folder: Path) -> None:
    with mailer(folder, f"smtp://127.0.0.1:{free_port()}") as route, pytest.raises(Trouble, match="reached") as caught:
        send(route)
    assert caught.value.everybody


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (b"220 hello\r\n",),
        (b"220 hello\r\n", b"250 hello\r\n", b"250 OK\r\n"),
        (b"220 hello\r\n", b"250 hello\r\n", b"250 OK\r\n", b"250 OK\r\n", b"354 go on\r\n"),
    ],
)
def test_a_server_that_falls_silent_is_given_up_in_time(folder: Path, lines: tuple[bytes, ...]) -> None:
    began = time.monotonic()
    with mute_server(*lines) as port, mailer(folder, f"smtp://127.0.0.1:{port}", 0.4) as route:
        with pytest.raises(Trouble) as caught:
            send(route)
        assert caught.value.everybody
    assert time.monotonic() - began < 4


def test_a_server_that_takes_too_long_in_all_is_given_up(office: PostOffice, folder: Path) -> None:
    office.seconds = 30
    began = time.monotonic()
    with mailer(folder, plain(office), 0.5) as route, pytest.raises(Trouble):
        send(route)
    assert time.monotonic() - began < 4


def test_starttls_and_login(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, trusted = certificate(folder)
    with mail_server(tls_context=context, require_starttls=True, auth_required=True) as office:
        url = f"smtp://rapport@127.0.0.1:{office.port}"
        with mailer(folder, url, smtp_password_file=folder / "password") as route:
            with pytest.raises(Trouble, match="not trusted"):
                send(route)
            monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
            send(route)
        assert len(office.mails) == 1
        (folder / "password").write_text("wrong")
        with (
            mailer(folder, url, smtp_password_file=folder / "password") as route,
            pytest.raises(Trouble, match=r"refused the login: 535") as caught,
        ):
            send(route)
        assert caught.value.everybody


def test_tls_from_the_first_byte(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, trusted = certificate(folder)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with mail_server(tls=context) as office, mailer(folder, f"smtps://127.0.0.1:{office.port}") as route:
        send(route)
        assert len(office.mails) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_no_password_goes_over_an_open_line_unless_told_so(folder: Path) -> None:
    with mail_server(auth_required=True, auth_require_tls=False) as office:
        url, password = f"smtp://rapport@127.0.0.1:{office.port}", folder / "password"
        with mailer(folder, url, smtp_password_file=password) as route, pytest.raises(Trouble, match="over TLS alone"):
            send(route)
        assert office.logins == []
        with mailer(folder, url, smtp_password_file=password, smtp_starttls="never") as route:
            send(route)
        assert len(office.mails) == 1


def test_starttls_may_be_asked_for_always(office: PostOffice, folder: Path) -> None:
    with mailer(folder, plain(office), smtp_starttls="always") as route, pytest.raises(Trouble, match="no STARTTLS"):
        send(route)
    assert office.mails == []


def test_an_address_that_the_server_has_no_way_to_is_refused(folder: Path) -> None:
    (folder / "addresses.toml").write_text('"mentee:ana" = "änne@example.org"\n')
    with mail_server(enable_SMTPUTF8=False) as office, mailer(folder, plain(office)) as route:
        with pytest.raises(Refusal, match="of this kind"):
            send(route)
        assert office.mails == []
    with mail_server(enable_SMTPUTF8=True) as office, mailer(folder, plain(office)) as route:
        send(route)
        assert len(office.mails) == 1


@pytest.mark.parametrize("url", ["mail.example.org", "http://mail.example.org", "smtp://", "smtp://h:99999"])
def test_a_server_that_is_none_is_a_wrong_setting(folder: Path, url: str) -> None:
    with pytest.raises(WrongSettings, match="RAPPORT_SMTP"):
        server_of(mailing(folder, url))


def test_a_password_in_the_url_is_a_wrong_setting_and_not_shown(folder: Path) -> None:
    with pytest.raises(WrongSettings, match="RAPPORT_SMTP") as caught:
        server_of(mailing(folder, "smtp://u:secret@host", smtp_password_file=folder / "password"))
    assert "secret" not in str(caught.value)


def test_the_usual_ports_and_a_user_with_an_at_sign(folder: Path) -> None:
    plain_, tls = (server_of(mailing(folder, url)) for url in ("smtp://[::1]", "smtps://mail.example.org"))
    assert (plain_.host, plain_.port, plain_.tls) == ("::1", 25, False)
    assert (tls.host, tls.port, tls.tls) == ("mail.example.org", 465, True)
    named = server_of(mailing(folder, "smtp://office%40example.org@h:587", smtp_password_file=folder / "password"))
    assert (named.user, named.password, named.port) == ("office@example.org", "secret & 100 %", 587)


def test_a_sender_that_is_no_address_is_a_wrong_setting(folder: Path) -> None:
    with pytest.raises(WrongSettings, match="RAPPORT_SMTP_FROM"):
        open_mail(mailing(folder, "smtp://h", smtp_from="nobody"))


def test_a_password_that_smtp_has_no_letters_for_is_a_wrong_setting(folder: Path) -> None:
    (folder / "password").write_text("süß")
    with pytest.raises(WrongSettings, match="ASCII"):
        server_of(mailing(folder, "smtp://user@h", smtp_password_file=folder / "password"))
