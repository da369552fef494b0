"""Data that a sender encrypted: opened in its own message alone, the same message as in the clear, and kept encrypted where it can't be taken."""

import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwe import JWERegistry, encrypt_compact
from joserfc.jwk import OKPKey

from infra.intake.encrypted import MEDIA_TYPE, EncryptionKeys, add_key, load, place
from infra.intake.message import Message, parse
from infra.intake.proof import canonical, proves, read_key
from infra.intake.receipt import Receipt
from infra.kafka.arrival import read
from infra.settings import Settings, WrongSettings
from tests.messages import message

KEY = OKPKey.generate_key("X25519")
KEYS = EncryptionKeys([OKPKey.generate_key("X25519"), KEY])
REQUIRED = EncryptionKeys([KEY], required=True)
NOTE = message("RecordSessionNote", {"session_id": "s1", "text": "canary words", "sensitive": True}, actor="mentor:ben")


def jwe(data: bytes, of: dict[str, Any] = NOTE, key: OKPKey = KEY, **header: Any) -> str:
    registry = JWERegistry(strict_check_header=False)
    registry.max_ciphertext_length = 1024 * 1024
    named = {"kid": key.thumbprint(), "iss": of["source"], "jti": of["id"], "sub": of["subject"]}
    return encrypt_compact({"alg": "ECDH-ES", "enc": "A256GCM"} | named | header, data, key, registry=registry)


def sealed(data: str | None = None, **more: Any) -> bytes:
    words = jwe(json.dumps(NOTE["data"]).encode()) if data is None else data
    return json.dumps(NOTE | {"data": words, "datacontenttype": MEDIA_TYPE} | more).encode()


def opened(raw: bytes, keys: EncryptionKeys = KEYS) -> Message:
    found = keys.read(raw)
    assert isinstance(found, Message), found
    return found


def problem(raw: bytes, keys: EncryptionKeys = KEYS) -> str:
    found = keys.read(raw)
    assert isinstance(found, Receipt), found
    assert "canary" not in json.dumps(found.to_dict())
    assert (found.source, found.id, found.subject) == (NOTE["source"], NOTE["id"], NOTE["subject"])
    return found.problems[0].code


def test_it_is_the_message_that_was_meant_and_the_same_as_in_the_clear() -> None:
    plain, raw = parse(json.dumps(NOTE).encode()), sealed()
    assert isinstance(plain, Message)
    assert opened(raw) == plain._replace(raw=raw)
    assert b"canary" not in raw


def test_in_binary_mode_too() -> None:
    attributes = {name: value for name, value in NOTE.items() if name != "data"}
    headers = [(f"ce_{name}", str(value).encode()) for name, value in attributes.items()]
    found = read(
        jwe(json.dumps(NOTE["data"]).encode()).encode(), [*headers, ("content-type", MEDIA_TYPE.encode())], KEYS
    )
    assert isinstance(found, Message)
    assert found.command.text == "canary words"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["source", "id", "subject"])
def test_in_another_message_it_is_not_opened(name: str) -> None:
    """Or a carrier of messages could put somebody's words into one of their own, and read them there."""
    other = NOTE | {name: {"subject": "6f1e0000-0000-4000-8000-0000000000ff"}.get(name, "/another")}
    found = KEYS.read(
        json.dumps(other | {"data": jwe(json.dumps(NOTE["data"]).encode()), "datacontenttype": MEDIA_TYPE}).encode()
    )
    assert isinstance(found, Receipt)
    assert found.problems[0].code == "another_message"


@pytest.mark.parametrize(
    "data, code",
    [
        ("words", "not_opened"),
        ("a.b.c.d.e", "not_opened"),
        (5, "bad_value"),
        ({"text": "canary"}, "bad_value"),
        ("ä.b.c.d.e", "bad_value"),
        (jwe(b"{}", key=OKPKey.generate_key("X25519")), "unknown_key"),
        (jwe(b"no json"), "not_opened"),
        (jwe(b"{}", zip="DEF"), "not_opened"),
        (jwe(b"{}", enc="A128GCM"), "not_opened"),
        (jwe(b"{}")[:-4] + "AAAA", "not_opened"),
    ],
)  # fmt: skip
def test_what_can_not_be_opened_is_invalid_with_the_field(data: Any, code: str) -> None:
    raw = json.dumps(NOTE | {"data": data, "datacontenttype": MEDIA_TYPE}).encode()
    assert problem(raw) == code


def test_what_is_wrong_inside_is_named_without_a_word_of_it() -> None:
    assert problem(sealed(jwe(json.dumps({"session_id": "s1", "texts": "canary"}).encode()))) == "missing"
    assert problem(sealed(jwe(b"[" * 2_000 + b"]" * 2_000))) in {"too_deep", "not_opened"}


def test_an_envelope_that_says_a_thing_twice_or_goes_too_deep_is_invalid_as_ever() -> None:
    twice = sealed()[:-1] + b',"actor":"hr:eva"}'
    found = KEYS.read(twice)
    assert isinstance(found, Receipt)
    assert "duplicate_key" in {each.code for each in found.problems}
    deep = sealed()[:-1] + b',"odd":' + b"[" * 500 + b"]" * 500 + b"}"
    assert isinstance(KEYS.read(deep), Receipt)
    assert isinstance(KEYS.read(b"\xef\xbb\xbf" + sealed()), Message)


def test_where_it_is_required_nothing_is_taken_in_the_clear() -> None:
    assert isinstance(REQUIRED.read(sealed()), Message)
    assert problem(json.dumps(NOTE).encode(), REQUIRED) == "not_encrypted"
    # Neither what only mentions it.
    assert (
        problem(json.dumps(NOTE | {"data": NOTE["data"] | {"text": MEDIA_TYPE}}).encode(), REQUIRED) == "not_encrypted"
    )
    assert isinstance(REQUIRED.read(b"{"), Receipt)


def test_a_proof_is_over_what_was_sent_and_not_over_the_words() -> None:
    signer = Ed25519PrivateKey.generate()
    public = read_key(
        urlsafe_b64encode(signer.public_key().public_bytes_raw()).decode().replace("-", "+").replace("_", "/")
    )

    def signed(payload: dict[str, Any]) -> str:
        head = urlsafe_b64encode(b'{"alg":"EdDSA"}').rstrip(b"=")
        text = urlsafe_b64encode(canonical(payload)).rstrip(b"=")
        return (head + b".." + urlsafe_b64encode(signer.sign(head + b"." + text)).rstrip(b"=")).decode()

    sent = json.loads(sealed())
    for payload, proven in (
        (sent, True),
        (NOTE, False),
        ({k: v for k, v in sent.items() if k != "datacontenttype"}, True),
    ):
        found = opened(json.dumps(sent | {"proof": signed(payload)}).encode())
        assert found.proof is not None
        assert proves(found.proof, public) is proven


def test_keys_are_made_added_and_read_by_their_owner_alone(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'store.sqlite'}")
    assert load(settings).public is None
    with pytest.raises(WrongSettings, match="keys show --public"):
        load(settings.model_copy(update={"kafka_encrypted": True}))
    add_key(settings)
    first = load(settings).public
    add_key(settings)
    both = load(settings)
    assert first is not None
    assert both.public != first
    assert first["kid"] in both.keys
    assert set(first) == {"kty", "crv", "x", "kid", "use", "alg"}
    file = place(settings)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    with pytest.raises(WrongSettings, match="chmod 600"):
        load(settings)
    file.write_bytes(b'{"keys":[{}]}')
    file.chmod(0o600)
    with pytest.raises(WrongSettings, match="holds no keys"):
        load(settings)
