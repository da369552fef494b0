"""Whoever has an e-mail address in their own entry is told there: as it stands now, on record, after what the operator's file says."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from infra.bootstrap import Rapport, open_rapport
from infra.notifications.deliver import Deliverer, Tally
from infra.notifications.outbox import enqueue, prepare
from infra.queries.own_address import WHY, OwnAddresses
from infra.settings import Settings
from infra.store.reads import reads_of
from tests.command import own_environment, rapport
from tests.infra.notifications.notes import note
from tests.infra.notifications.post_office import PostOffice, mail_server
from tests.infra.sealing.test_sealing import PROPOSED, message, submit

Tell = Callable[..., Tally]
ADDRESS = "ana@example.org"


def entry(number: int, command: str, data: dict[str, Any], actor: str = "hr:hanna") -> bytes:
    return message(f"p{number}", command, data, actor, "person:ana")


REGISTERED = entry(1, "RegisterPerson", {"display_name": "Ana Pop", "email": ADDRESS})


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with mail_server() as found:
        yield found


@pytest.fixture
def mailed(settings: Settings, office: PostOffice) -> Settings:
    """Settings that send mail, without a file of addresses."""
    changes = {"smtp": f"smtp://127.0.0.1:{office.port}", "smtp_from": "rapport@mentoring.example"}
    return settings.model_copy(update=changes)


@pytest.fixture
def opened(mailed: Settings) -> Iterator[Rapport]:
    with open_rapport(mailed) as found:
        prepare(found.database)
        yield found


@pytest.fixture
def tell(opened: Rapport) -> Tell:
    """Deliver notifications to these recipients, in a process that reads entries anew or goes on with `addresses`."""

    def told(*recipients: str, addresses: OwnAddresses | None = None, **changes: Any) -> Tally:
        count = opened.database.query("SELECT count(*) FROM notifications")[0][0]
        with opened.database.transaction() as session:
            enqueue(session, [note(f"n{count + place}", who) for place, who in enumerate(recipients)])
        entries = (addresses or OwnAddresses(opened.store, opened.engine)).of
        return Deliverer(opened.database, opened.settings.model_copy(update=changes), entries=entries).deliver()

    return told


def receivers(office: PostOffice) -> list[str]:
    return [address for envelope in office.envelopes for address in envelope.rcpt_tos]


def test_a_person_is_told_at_the_address_of_their_entry_and_that_it_was_read_is_on_record_once(
    opened: Rapport, office: PostOffice, tell: Tell
) -> None:
    assert submit(opened, PROPOSED, REGISTERED) == ["accepted", "accepted"]
    addresses = OwnAddresses(opened.store, opened.engine)
    assert tell(*["mentee:ana"] * 3, addresses=addresses) == Tally(sent=3)
    assert receivers(office) == [ADDRESS] * 3
    [read] = reads_of(opened.database, "person:ana")
    assert (read.reader, read.version, read.data_class, read.why) == ("mentee:ana", 1, "contact_details", WHY)


def test_nobody_is_told_at_anybody_elses_address(opened: Rapport, office: PostOffice, tell: Tell) -> None:
    submit(opened, PROPOSED, REGISTERED)
    assert tell("mentor:ben", "coordinator", "coordinator:", "service:ana", "person:ana", "third_party:ana") == Tally(
        kept=6
    )
    assert receivers(office) == []


def test_an_address_that_is_put_right_is_used_at_once(opened: Rapport, office: PostOffice, tell: Tell) -> None:
    submit(opened, PROPOSED, REGISTERED)
    addresses = OwnAddresses(opened.store, opened.engine)
    tell("mentee:ana", addresses=addresses)
    corrected = entry(2, "CorrectPerson", {"email": "new@example.org"}, "mentee:ana")
    named = entry(3, "CorrectPerson", {"display_name": "Ana P."}, "mentee:ana")
    assert submit(opened, corrected, named) == ["accepted", "accepted"]
    tell("mentee:ana", addresses=addresses)
    assert receivers(office) == [ADDRESS, "new@example.org"]


def test_the_operators_file_comes_first(opened: Rapport, office: PostOffice, tell: Tell, tmp_path: Path) -> None:
    submit(opened, PROPOSED, REGISTERED)
    (tmp_path / "book.json").write_text('{"mentee:ana": "desk@example.org", "coordinator": "office@example.org"}')
    assert tell("mentee:ana", "coordinator") == Tally(sent=1, kept=1)
    settings = opened.settings.model_copy(update={"addresses": tmp_path / "book.json"})
    with opened.database.transaction() as session:
        enqueue(session, [note("a", "mentee:ana"), note("b", "coordinator")])
    Deliverer(opened.database, settings, entries=OwnAddresses(opened.store, opened.engine).of).deliver()
    assert receivers(office) == [ADDRESS, "desk@example.org", "office@example.org"]
    assert len(reads_of(opened.database, "person:ana")) == 1


def test_who_is_erased_or_restricted_gets_no_mail(opened: Rapport, office: PostOffice, tell: Tell) -> None:
    submit(opened, PROPOSED, REGISTERED)
    addresses = OwnAddresses(opened.store, opened.engine)
    assert tell("mentee:ana", addresses=addresses) == Tally(sent=1)
    assert submit(opened, entry(2, "RestrictProcessing", {"reason": "asked for"}, "mentee:ana")) == ["accepted"]
    assert tell("mentee:ana", addresses=addresses) == Tally(missed=1)
    lifted = entry(3, "LiftRestriction", {}, "mentee:ana")
    asked = entry(4, "RequestErasure", {"person": "ana", "basis": "objection"}, "mentee:ana")
    done = entry(5, "ErasePersonalData", {"person": "ana", "request": 4}, "coordinator:cora")
    assert submit(opened, lifted, asked, done) == ["accepted"] * 3
    assert tell("mentee:ana", addresses=addresses) == Tally(kept=1)
    assert receivers(office) == [ADDRESS]


@pytest.mark.parametrize(
    "written", ["ana", "ana@example.org, eve@example.org", "ana@example.org\r\nBcc: eve@example.org", "<>", "a b@c"]
)
def test_what_is_no_address_is_none(opened: Rapport, office: PostOffice, tell: Tell, written: str) -> None:
    submit(opened, PROPOSED)
    if submit(opened, entry(1, "RegisterPerson", {"display_name": "Ana", "email": written})) == ["accepted"]:
        assert tell("mentee:ana") == Tally(kept=1)
    assert receivers(office) == []


def test_an_entry_whose_key_is_gone_is_as_none(opened: Rapport, office: PostOffice, tell: Tell) -> None:
    submit(opened, PROPOSED, REGISTERED)
    opened.keys.kept.run("DELETE FROM data_keys")
    with open_rapport(opened.settings) as anew:
        assert tell("mentee:ana", addresses=OwnAddresses(anew.store, anew.engine)) == Tally(kept=1)
    assert receivers(office) == []


def test_no_log_line_and_no_list_has_the_address(opened: Rapport, office: PostOffice, tell: Tell) -> None:
    submit(opened, PROPOSED, REGISTERED)
    office.recipients = [f"550 5.1.1 <{ADDRESS}> is unknown", f"450 4.2.1 <{ADDRESS}> later", "250 OK"]
    with capture_logs() as logs:
        assert tell(*["mentee:ana"] * 3) == Tally(sent=1, again=1, dead=1)
    assert "example.org" not in str(logs)
    rows = opened.database.query("SELECT * FROM notifications")
    assert ADDRESS not in str(rows)


def test_the_commands_send_there(mailed: Settings, office: PostOffice, tmp_path: Path) -> None:
    with open_rapport(mailed) as opened:
        submit(opened, PROPOSED, REGISTERED)
        prepare(opened.database)
        with opened.database.transaction() as session:
            enqueue(session, [note("n1", "mentee:ana")])
    env = own_environment(
        RAPPORT_STORE=mailed.store,
        RAPPORT_SYNCHRONOUS="off",
        RAPPORT_SMTP=str(mailed.smtp),
        RAPPORT_SMTP_FROM=str(mailed.smtp_from),
    )
    office.recipients = ["450 4.2.1 later", "250 OK"]
    worked = rapport("work", "--once", "--json", cwd=tmp_path, env=env)
    assert worked.returncode == 0, worked.stderr
    assert json.loads(worked.stdout)["notifications"]["again"] >= 1
    sent = rapport("notifications", "retry", "n1", "--json", cwd=tmp_path, env=env)
    assert sent.returncode == 0, sent.stderr
    assert receivers(office)[-1] == ADDRESS
    assert ADDRESS.encode() not in worked.stderr + sent.stdout + sent.stderr
