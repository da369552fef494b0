"""The webhook against a real server: what is sent, how it is signed, and what becomes of every kind of answer."""

import base64
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from infra.local.ports import free_port
from infra.notifications.route import Refusal, Trouble
from infra.notifications.webhook import WebhookRoute, open_webhook, seconds_of
from infra.notifications.wording import words_of
from infra.settings import WrongSettings
from tests.infra.notifications.notes import SECRET, note
from tests.infra.notifications.receiver import (
    Answer,
    Receiver,
    drip,
    endless,
    hang,
    hang_up,
    receiving,
    status,
)

NOTE = note("0197c0de-0000-5000-8000-000000000001", clauses=("pentalog.next-session",))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def route(receiver: Receiver, secret_file: Path) -> Iterator[WebhookRoute]:
    with closing(open_webhook(receiver.url, secret_file, 0.5)) as found:
        yield found


def send(route: WebhookRoute) -> None:
    route.send(NOTE, words_of(NOTE))


def test_any_library_of_standard_webhooks_can_check_it(receiver: Receiver, route: WebhookRoute) -> None:
    send(route)
    [post] = receiver.posts
    message = Webhook(SECRET).verify(post.body, post.headers)
    assert message["type"] == "notification.next_session"
    assert message["timestamp"] == "2026-03-02T09:00:00Z"
    assert message["data"] == {
        "id": NOTE.id,
        "recipient": "mentee:ana",
        "alone": False,
        "template": "next_session",
        "subject": "0197-r1",
        "parameters": {"sessions_left": 2},
        "clauses": ["pentalog.next-session"],
        "title": "No session is scheduled",
        "text": "A session is over, the next one has no date. Sessions left in your plan: 2.",
        "todo": "Agree on a date and schedule it.",
        "command": "rapport show 0197-r1",
    }
    assert post.id == NOTE.id
    assert abs(time.time() - int(post.headers["webhook-timestamp"])) < 60
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(post.body.replace(b"ana", b"eve"), post.headers)


def test_both_secrets_sign_while_one_replaces_the_other(receiver: Receiver, tmp_path: Path) -> None:
    second = "whsec_" + base64.b64encode(b"another secret of thirty bytes").decode()
    (tmp_path / "secrets").write_text(f"{SECRET}\n\n{second}\n")
    with closing(open_webhook(receiver.url, tmp_path / "secrets", 1)) as route:
        send(route)
    [post] = receiver.posts
    for secret in (SECRET, second):
        assert Webhook(secret).verify(post.body, post.headers)


def test_a_connection_serves_for_many(receiver: Receiver, route: WebhookRoute) -> None:
    for _ in range(5):
        send(route)
    assert len(receiver.posts) == 5
    assert receiver.connections == 1


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 422])
def test_what_will_never_be_taken_is_refused(receiver: Receiver, route: WebhookRoute, code: int) -> None:
    receiver.answers = [status(code)]
    with pytest.raises(Refusal, match=f"^the webhook answered {code}$"):
        send(route)


@pytest.mark.parametrize(
    "code, everybody",
    [(301, False), (408, False), (425, False), (429, True), (500, False), (502, True), (503, True), (504, True)],
)
def test_what_may_be_taken_later_is_trouble(
    receiver: Receiver, route: WebhookRoute, code: int, everybody: bool
) -> None:
    receiver.answers = [status(code, location="http://127.0.0.1:1/")]
    with pytest.raises(Trouble, match=f"answered {code}") as caught:
        send(route)
    assert caught.value.everybody is everybody
    assert len(receiver.posts) == 1


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_taken_as_seconds_or_as_a_date(receiver: Receiver, route: WebhookRoute, code: int) -> None:
    receiver.answers = [
        status(code, retry_after="120"),
        status(code, retry_after=format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)),
    ]
    waits = []
    for _ in range(2):
        with pytest.raises(Trouble) as caught:
            send(route)
        waits.append(caught.value.after)
    assert waits[0] == 120
    assert 290 < waits[1] <= 300


def test_a_retry_after_of_nonsense_asks_for_nothing_and_none_for_more_than_a_day() -> None:
    for text in ("", "soon", "-5", "1e9", "Mon, 99 Xyz 2026", "Thu, 01 Jan 1970 00:00:00 GMT", "1.5"):
        assert seconds_of(text) == 0
    for text in ("9" * 400, "9999999", "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -1200"):
        assert seconds_of(text) in {0, 86400}
    assert seconds_of("9999999") == 86400


@pytest.mark.parametrize("answer", [hang, drip])
def test_one_that_never_answers_is_given_up_in_time(receiver: Receiver, route: WebhookRoute, answer: Answer) -> None:
    receiver.answers = [answer, status(200)]
    began = time.monotonic()
    with pytest.raises(Trouble, match=r"did not answer within 0\.5 s") as caught:
        send(route)
    assert time.monotonic() - began < 3
    assert caught.value.everybody
    send(route)


def test_one_that_hangs_up_is_trouble_and_the_next_call_works(receiver: Receiver, route: WebhookRoute) -> None:
    receiver.answers = [hang_up, status(204)]
    with pytest.raises(Trouble, match="can't be reached") as caught:
        send(route)
    assert caught.value.everybody
    send(route)


def test_one_that_is_not_there_is_trouble(secret_file: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    with closing(open_webhook(url, secret_file, 1)) as route, pytest.raises(Trouble, match="can't be reached"):
        send(route)


def test_an_answer_without_end_is_not_read(receiver: Receiver, route: WebhookRoute) -> None:
    receiver.answers = [endless, status(200)]
    began = time.monotonic()
    send(route)
    send(route)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("url", ["", "ftp://example.org/", "https://", "example.org", "file:///etc/passwd"])
def test_a_url_that_is_none_is_a_wrong_setting(secret_file: Path, url: str) -> None:
    with pytest.raises(WrongSettings, match="RAPPORT_NOTIFY_WEBHOOK"):
        open_webhook(url, secret_file, 1)


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_c2hvcnQ=", "not base64!", "whsec_é", "whsec_" + "A" * 88])
def test_a_secret_that_is_none_is_a_wrong_setting_and_is_not_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_text(text)
    with pytest.raises(WrongSettings, match="RAPPORT_NOTIFY_SECRET_FILE") as caught:
        open_webhook("https://example.org/", tmp_path / "secret", 1)
    assert len(text) < 7 or text not in str(caught.value)
