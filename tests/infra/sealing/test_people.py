"""A person's entry on both kinds of store: sealed under the person's own key, and shown with their relationships."""

import json
from pathlib import Path

from domain.content import is_erased
from infra.bootstrap import open_rapport
from infra.settings import Settings
from tests.command import own_environment, rapport_text
from tests.infra.sealing.test_sealing import PROPOSED, message, stored, submit

ENTRY = {"display_name": "Ana Pop", "email": "ana@example.org", "telephone": "+40 1", "timezone": "Europe/Bucharest"}
REGISTERED = message("p1", "RegisterPerson", ENTRY, "hr:hanna", "person:Ana")


def test_an_entry_is_sealed_under_the_persons_own_key_no_matter_who_writes_it(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        assert submit(
            rapport, REGISTERED, message("p2", "CorrectPerson", {"locale": "ro-RO"}, "mentee:Ana", "person:Ana")
        ) == ["accepted", "accepted"]
        bytes_ = stored(rapport, "person:Ana")
        assert not [word for word in (*ENTRY.values(), "ro-RO") if word.encode() in bytes_]
        assert [(row.subject, row.person) for row in rapport.keys.kept.all()] == [("person:Ana", "ana")]
        assert rapport.store.read("person:Ana")[0].data.email == ENTRY["email"]


def test_an_entry_without_its_key_still_folds(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        submit(rapport, REGISTERED)
        rapport.keys.kept.run("DELETE FROM data_keys")
    with open_rapport(settings) as rapport:
        [event] = rapport.store.read("person:Ana")
        assert all(is_erased(value) for value in event.data.model_dump(exclude_none=True).values())
        correction = message("p2", "CorrectPerson", {"locale": "ro"}, "mentee:Ana", "person:Ana")
        assert submit(rapport, correction) == ["accepted"]


def test_show_gives_the_entry_and_the_relationships(store_url: str, tmp_path: Path) -> None:
    env = own_environment(RAPPORT_STORE=store_url, RAPPORT_SYNCHRONOUS="off")
    with open_rapport(Settings(store=store_url, synchronous="off")) as rapport:
        submit(rapport, PROPOSED, REGISTERED)
    shown = rapport_text("show", "person:ANA", "--json", "--reveal", "she asked", env=env, cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    found = json.loads(shown.stdout)
    assert found["entry"] == {**ENTRY, "locale": None}
    unread = json.loads(rapport_text("show", "person:ANA", "--json", env=env, cwd=tmp_path).stdout)["entry"]
    assert unread["email"] == {"sealed": "contact_details", "clause": None}
    assert [(each["state"], each["roles"]) for each in found["relationships"]] == [("contracting", ["mentee"])]
    text = rapport_text("show", "person:ana", env=env, cwd=tmp_path).stdout
    assert "display name" in text
    assert "Ana Pop" not in text
