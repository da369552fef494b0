"""The erasure drill over Kafka: every text is a canary, senders encrypt, and no topic holds a word in the clear, before an erasure or after."""

import json
from dataclasses import replace

import pytest
from joserfc.jwe import JWERegistry, encrypt_compact
from joserfc.jwk import OKPKey

from domain.relationship.events import RelationshipProposed
from infra.bootstrap import open_rapport
from infra.intake import encrypted
from infra.kafka.dead_letters import dead_letters, readable
from tests.e2e.contract.outside import days
from tests.infra.kafka.stage import Stage
from tests.infra.sealing.test_canaries import BIRD, CLOCK, everything_in, told
from tests.infra.sealing.test_erasure_drill import birds_in, by_owner, deciding, erasing

TOO_LONG = 1


def encrypt(line: bytes, key: OKPKey) -> bytes:
    """A message as a sender encrypts it who knows the public key and the page about it."""
    message = json.loads(line)
    registry = JWERegistry(strict_check_header=False)
    registry.max_ciphertext_length = 1024 * 1024
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": key.thumbprint()}
    header |= {"iss": message["source"], "jti": message["id"], "sub": message["subject"]}
    data = encrypt_compact(header, json.dumps(message["data"]).encode(), key, registry=registry)
    return json.dumps(message | {"data": data, "datacontenttype": encrypted.MEDIA_TYPE}).encode()


@pytest.fixture
def drill(sqlite_stage: Stage) -> Stage:
    more = {"clock": CLOCK + days(61), "kafka_encrypted": True}
    stage = replace(sqlite_stage, settings=sqlite_stage.settings.model_copy(update=more))
    encrypted.add_key(stage.settings)
    return stage


def in_the_clear(stage: Stage) -> set[str]:
    """The topics on which a canary can be read."""
    topics = (stage.topics.commands, stage.topics.receipts, stage.topics.events, stage.topics.dead_letters)
    records = [each for topic in topics for each in stage.read(topic)]
    assert {each.topic for each in records} == set(topics)
    return {each.topic for each in records if BIRD in f"{each.value!r} {each.headers} {each.key}"}


def test_no_topic_holds_a_word_in_the_clear_before_an_erasure_or_after(drill: Stage) -> None:
    stage, settings = drill, drill.settings
    lines, canaries = told(stage.folder)
    public = encrypted.load(settings).public
    assert public is not None
    key = OKPKey.import_key({name: public[name] for name in ("kty", "crv", "x")})
    # The last one is too long for any road.
    sent = stage.send([encrypt(line, key) for line in lines[:-TOO_LONG]], partition=0)
    try:
        consuming = stage.start("consume").wait_ready()
        receipts = {
            (each.json["source"], each.json["id"]): each.json for each in stage.read(stage.topics.receipts, sent)
        }
        accepted = [each for each in receipts.values() if each["status"] == "accepted"]
        assert len(accepted) == len(lines) - 6
        assert consuming.stop() == 0
        with open_rapport(settings) as opened:
            before = by_owner(opened)
            mentees = {
                subject: first.mentee_id
                for (subject,) in opened.database.query("SELECT DISTINCT originator_id FROM stored_events")
                if isinstance(first := opened.store.read(subject)[0].data, RelationshipProposed)
            }
            facts = opened.store.head()
            assert [table for table, text in everything_in(opened.database) if BIRD.encode() in text] == []
        # What was told is there for who has the keys.
        assert len(before["erased"]) > 30
        assert len(canaries.birds) > 100
        publishing = stage.start("publish").wait_ready()
        stage.read(stage.topics.events, 100)
        assert in_the_clear(stage) == set()
        # A dead letter stays as it came, whoever shows it.
        letters = dead_letters(settings)
        assert letters
        for letter in letters.values():
            assert BIRD not in json.dumps(readable(letter, settings))

        with open_rapport(settings) as opened:
            opened.handler.handle(deciding(settings))
            erase = [line for subject, mentee in mentees.items() for line in erasing(settings, subject, mentee)]
            assert {each.status for each in opened.handler.handle(erase)} == {"accepted"}
            after = by_owner(opened)
            assert opened.store.head() > facts
        assert after["erased"] == set()
        assert after["others"] == before["others"]
        assert publishing.stop() == 0
        stage.start("publish").wait_ready().stop()
        assert in_the_clear(stage) == set()
        assert birds_in(stage.logs()) == set()
    finally:
        stage.close()
