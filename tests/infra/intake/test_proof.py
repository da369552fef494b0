"""Proofs: what a signature covers, which are taken, and that nothing else passes for one."""

import hmac
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from infra.bootstrap import Rapport
from infra.intake.handler import Handler
from infra.intake.message import PER_DELIVERY, SIGNED, Envelope, Message, parse
from infra.intake.proof import _WEAK
from infra.intake.proof import canonical as canonical_form
from infra.intake.receipt import Receipt
from infra.intake.senders import Senders, read_senders
from tests.infra.intake.proofs import canonical, jws, key_of, part, proven, public, raw
from tests.infra.intake.test_senders import entry, handler
from tests.messages import message

OURS, THEIRS = key_of(1), key_of(2)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
DATA = {"programme_id": "p1", "mentee_id": "ana", "mentor_id": "ben", "codes": []}


def proposal(**fields: Any) -> dict[str, Any]:
    return message("ProposeRelationship", DATA, **{"source": "/services/booking"} | fields)


SENDERS = entry(roles=["coordinator"], key=public(OURS)) + entry(source="/open", roles=["coordinator"])


@pytest.fixture
def way(rapport: Rapport, tmp_path: Path) -> Handler:
    """A way in on which the booking service has to prove itself, and nobody else."""
    return handler(rapport, tmp_path / "senders.toml", SENDERS)


@pytest.fixture(scope="module")
def senders(tmp_path_factory: pytest.TempPathFactory) -> Senders:
    """The same senders, without a store behind them."""
    path = tmp_path_factory.mktemp("senders") / "senders.toml"
    path.write_text(SENDERS)
    return read_senders(path)


def check(senders: Senders, sent: dict[str, Any]) -> Message | Receipt:
    """The message, where its sender is taken for whom it says, or the receipt."""
    found = parse(raw(sent))
    return senders.admit(found) if isinstance(found, Message) else found


def answer(way: Handler, sent: dict[str, Any]) -> Receipt:
    return way.handle([raw(sent)])[0]


def unproven(receipt: Message | Receipt) -> bool:
    return (
        isinstance(receipt, Receipt)
        and receipt.status == "refused"
        and [(p.code, p.field) for p in receipt.problems] == [("proof", "proof")]
    )


def taken(found: Message | Receipt) -> bool:
    return isinstance(found, Message)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "EdDSA"},
        {"alg": "Ed25519"},
        {"alg": "EdDSA", "b64": False, "crit": ["b64"]},
        {"alg": "Ed25519", "b64": False, "crit": ["b64"]},
        {"alg": "EdDSA", "b64": True},
        {"alg": "EdDSA", "kid": "booking-2026", "typ": "JOSE+JSON", "iat": 1},
    ],
)
def test_both_forms_of_a_jws_are_taken_under_both_names_of_the_algorithm(
    senders: Senders, header: dict[str, Any]
) -> None:
    assert taken(check(senders, proven(proposal(), OURS, header)))


def test_a_message_that_is_signed_is_taken_and_sent_again_a_duplicate(way: Handler) -> None:
    sent = proven(proposal(), OURS)
    assert answer(way, sent).status == "accepted"
    again = answer(way, sent)
    assert (again.status, again.first_status) == ("duplicate", "accepted")
    # Another proof of the same content is no other content.
    assert answer(way, proven(proposal(), OURS, {"alg": "EdDSA", "kid": "other"})).status == "duplicate"


def test_without_a_proof_or_with_one_by_somebody_else_it_is_refused_and_its_id_is_left(way: Handler) -> None:
    for sent in (proposal(), proposal(proof=None), proven(proposal(), THEIRS)):
        assert unproven(answer(way, sent))
    assert answer(way, proven(proposal(), OURS)).status == "accepted"
    # Nor does a forger learn what became of it.
    for sent in (proposal(), proven(proposal(), THEIRS)):
        assert unproven(answer(way, sent))


def test_a_source_without_a_key_needs_no_proof_and_may_carry_one(way: Handler) -> None:
    assert answer(way, proposal(source="/open", id="1")).status == "accepted"
    assert answer(way, proven(proposal(source="/open", id="1"), THEIRS)).status == "duplicate"


@pytest.mark.parametrize(
    "change",
    [
        {"id": "another"},
        {"subject": "00000000-0000-4000-8000-000000000002"},
        {"actor": "coordinator:eve"},
        {"type": "rapport.ActivateRelationship"},
        {"time": "2026-03-02T09:00:01Z"},
        {"data": DATA | {"mentee_id": "eve"}},
        {"correlationid": "c"},
        {"causationid": "c"},
        {"dataschema": "https://example.org/s"},
        {"expectedversion": 0},
    ],
)
def test_a_proof_is_good_for_nothing_else(senders: Senders, change: dict[str, Any]) -> None:
    whole = proven(proposal(), OURS)
    if change.get("type") == "rapport.ActivateRelationship":
        change = change | {"data": {}}
    assert unproven(check(senders, whole | change))


def test_a_proof_is_not_taken_for_another_source(tmp_path: Path) -> None:
    path = tmp_path / "senders.toml"
    path.write_text(entry(source="/services/*", roles=["coordinator"], key=public(OURS)))
    senders = read_senders(path)
    sent = proven(proposal(), OURS)
    assert unproven(check(senders, sent | {"source": "/services/other"}))
    assert taken(check(senders, sent))


def test_what_is_added_on_the_way_does_not_touch_it(senders: Senders) -> None:
    added = {"traceparent": TRACE, "tracestate": "a=b", "datacontenttype": "application/json", "correlationid": None}
    assert taken(check(senders, proven(proposal(), OURS) | added))


def test_the_whole_message_may_be_signed_as_it_is_sent(senders: Senders) -> None:
    sent = proven(proposal(datacontenttype="application/json", traceparent=TRACE), OURS)
    assert unproven(check(senders, sent | {"traceparent": None}))
    assert taken(check(senders, sent))


def test_spaces_the_order_of_names_escapes_and_ways_to_write_a_number_do_not_matter(senders: Senders) -> None:
    sent = proven(proposal(expectedversion=0, correlationid="ö\u20ac\U0001f600"), OURS)
    text = json.dumps(dict(reversed(sent.items())), indent=1).replace('"expectedversion": 0', '"expectedversion": 0.0')
    assert "0.0" in text
    assert "\\u" in text
    found = parse(text.encode())
    assert isinstance(found, Message)
    assert taken(senders.admit(found))


def test_a_proof_covers_all_that_is_recorded() -> None:
    assert set(Envelope.model_fields) - SIGNED == PER_DELIVERY == {
        "traceparent", "tracestate", "datacontenttype", "proof",
    }  # fmt: skip
    found = parse(raw(proven(proposal(), OURS)))
    assert isinstance(found, Message)
    assert found.proof is not None
    assert found.proof.counted == proposal()


def attached(payload: bytes) -> str:
    head, signed = part(b'{"alg":"EdDSA"}'), part(payload)
    return f"{head}.{signed}.{part(OURS.sign(f'{head}.{signed}'.encode()))}"


def unsigned(header: dict[str, Any]) -> str:
    return f"{part(json.dumps(header).encode())}.."


def by_mac(secret: bytes) -> str:
    """Signed with the public key as if it were a secret."""
    head = part(b'{"alg":"HS256"}')
    signed = f"{head}.{part(canonical(proposal()))}".encode()
    return f"{head}..{part(hmac.digest(secret, signed, sha256))}"


GOOD = jws(OURS, canonical(proposal()))
PASSING_FOR_ONE = {
    "another message, attached": attached(canonical(proposal(id="other"))),
    "the message itself, attached": attached(canonical(proposal())),
    "no signature": unsigned({"alg": "EdDSA"}),
    "none": unsigned({"alg": "none"}),
    "a MAC with the public key": by_mac(OURS.public_key().public_bytes_raw()),
    "another algorithm": jws(OURS, canonical(proposal()), {"alg": "Ed448"}),
    "no algorithm": jws(OURS, canonical(proposal()), {}),
    "an algorithm that is no text": jws(OURS, canonical(proposal()), {"alg": ["EdDSA"]}),
    "a header that is no object": jws(OURS, canonical(proposal()), ["alg"]),
    "a header that is a text": jws(OURS, canonical(proposal()), "alg"),
    "what is critical and unknown": jws(OURS, canonical(proposal()), {"alg": "EdDSA", "crit": ["exp"], "exp": 1}),
    "nothing that is critical": jws(OURS, canonical(proposal()), {"alg": "EdDSA", "crit": []}),
    "b64 that is not critical": jws(OURS, canonical(proposal()), {"alg": "EdDSA", "b64": False}),
    "its own key": jws(THEIRS, canonical(proposal()), {"alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": public(THEIRS)}}),
    "a deep header": f"{part(b'[' * 1000)}..{GOOD.rpartition('.')[2]}",
    "padding": GOOD + "=",
    "a space": GOOD + " ",
    "a line feed": GOOD + "\n",
    "a part more": GOOD + ".",
    "a dot less": GOOD.replace("..", "."),
    "only dots": "..",
    "words": "signed by me",
    "another alphabet": "é..é",
    "cut off": GOOD[:-2],
    "text of the message": canonical(proposal()).decode(),
}  # fmt: skip


@pytest.mark.parametrize("proof", PASSING_FOR_ONE.values(), ids=PASSING_FOR_ONE)
def test_nothing_else_passes_for_a_proof(senders: Senders, proof: str) -> None:
    assert unproven(check(senders, proposal(proof=proof)))


@pytest.mark.parametrize("proof", [5, ["x"], {"x": 1}, True, "", "x" * 2001])
def test_a_proof_that_is_no_text_or_too_long_is_invalid(senders: Senders, proof: object) -> None:
    receipt = check(senders, proposal(proof=proof))
    assert isinstance(receipt, Receipt)
    assert (receipt.status, [(p.code, p.field) for p in receipt.problems]) == ("invalid", [("bad_value", "proof")])


def test_a_number_that_has_no_canonical_form_is_told(senders: Senders) -> None:
    receipt = check(senders, proven(proposal(expectedversion=2**53 + 1), OURS))
    assert unproven(receipt)
    assert isinstance(receipt, Receipt)
    assert "2^53" in receipt.problems[0].message


def test_a_large_message_can_be_signed(senders: Senders) -> None:
    # Extensions are no content, but a message may be signed as it was sent.
    sent = proposal() | {"data": DATA | {"codes": ["cmn"] * 4_000}}
    sent |= {f"x{number}": "y" * 400 for number in range(450)}
    assert len(raw(sent)) > 200_000
    assert taken(check(senders, proven(sent, OURS)))


whatever = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 2**53, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=3), whatever))
def test_the_canonical_form_is_that_of_rfc_8785(value: dict[str, Any]) -> None:
    assert canonical_form(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**64 - 1])
def test_a_whole_number_that_is_not_exact_everywhere_has_none(number: int) -> None:
    with pytest.raises(ValueError, match="exceeds"):
        canonical_form({"data": [number]})


@pytest.mark.parametrize("y", sorted(_WEAK))
def test_the_keys_that_are_not_taken_are_those_for_which_anybody_can_sign(y: int) -> None:
    key = Ed25519PublicKey.from_public_bytes(y.to_bytes(32, "little"))
    # With no secret at all: S is 0, and R is one of the few points that a hash of eight values may hit.
    tries = (r.to_bytes(32, "little") + bytes(32) for r in sorted(_WEAK))
    taken = 0
    for signature in tries:
        for number in range(64):
            try:
                key.verify(signature, b"%d" % number)
            except Exception:  # noqa: BLE001
                continue
            taken += 1
    assert taken
