"""From the record to the recipient: what real workers decide about a simulated programme is delivered, all of it, once."""

import json
import os
from collections import Counter
from pathlib import Path

from standardwebhooks import Webhook

from infra.bootstrap import open_rapport
from infra.settings import Settings
from infra.simulate import messages
from tests import command
from tests.infra.notifications.notes import SECRET
from tests.infra.notifications.receiver import Receiver, hang_up, receiving, status

RELATIONSHIPS, SEED = 12, 4


def rapport(settings: Settings, receiver: Receiver, secret_file: Path, *arguments: str) -> object:
    environment = {
        **os.environ,
        "RAPPORT_STORE": settings.store,
        "RAPPORT_SYNCHRONOUS": settings.synchronous,
        "RAPPORT_NOTIFY_WEBHOOK": receiver.url,
        "RAPPORT_NOTIFY_SECRET_FILE": str(secret_file),
    }
    done = command.rapport(*arguments, "--json", env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_workers_decide_reaches_its_recipients_once_and_in_words(settings: Settings, secret_file: Path) -> None:
    with open_rapport(settings) as opened:
        opened.handler.handle(list(messages(RELATIONSHIPS, SEED)))
    with receiving(*[status(200)] * 20, hang_up, status(200)) as receiver:
        first = rapport(settings, receiver, secret_file, "work", "--once")
        assert isinstance(first, dict)
        assert first["notifications"]["sent"] == 20
        assert (first["notifications"]["again"], first["notifications"]["dead"]) == (1, 0)
        rapport(settings, receiver, secret_file, "notifications", "retry", "--all")
        again = rapport(settings, receiver, secret_file, "work", "--once")
        assert isinstance(again, dict)
        assert set(again["notifications"].values()) == {0}
        undelivered = rapport(settings, receiver, secret_file, "notifications")
        every = rapport(settings, receiver, secret_file, "notifications", "--all")
    assert isinstance(every, list)
    assert isinstance(undelivered, list)
    # The workers were away all the while: of what is over nobody hears any more, of everything else its recipient does.
    assert {each["status"] for each in undelivered} == {"missed"}
    missed = {each["id"] for each in undelivered}
    times = Counter(receiver.ids)
    assert len(every) > 200
    assert len(times) > 30
    assert set(times) == {each["id"] for each in every} - missed
    assert sorted(times.values())[-2:] == [1, 2]
    told = [Webhook(SECRET).verify(post.body, post.headers)["data"] for post in receiver.posts]
    assert len({each["template"] for each in told}) > 5
    assert all(each["text"] and "{" not in each["text"] for each in told)
