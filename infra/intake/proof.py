"""Proofs: a detached JWS by which a message shows that it comes from the holder of a key.

The message's attribute `proof` is `header..signature` (RFC 7515, appendix F), made with Ed25519. What is signed is the
message in its canonical form (RFC 8785): its members sorted, without spaces, in UTF-8. `proof` itself is left out, and so
is everything that may be added or changed on the way and that Rapport does not record: `traceparent`, `tracestate`,
`datacontenttype` and extensions that it does not know. A sender who prefers it signs the whole message as it is sent, without
`proof` alone. Both forms hold all that is recorded, so a proof says nothing about another id, subject or content.
"""

import binascii
from base64 import b64decode, urlsafe_b64encode
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

if TYPE_CHECKING:
    from joserfc.jwk import OKPKey
    from joserfc.jws import JWSRegistry

ALGORITHMS: Final = ("Ed25519", "EdDSA")
KEY_BYTES: Final = 32
MAX_LENGTH: Final = 2000
# Numbers from here to there are written alike everywhere; larger whole ones are not exact in JavaScript.
_SAME_FROM: Final = 1e-3
_EXACT: Final = 2**53
# A message may be longer in canonical form, and in base64, than it was sent.
MAX_PAYLOAD: Final = 4 * 1024 * 1024
# A key names a point of a curve by its y. With these the point is of small order, and anybody can sign for it.
_PRIME: Final = 2**255 - 19
_WEAK: Final = frozenset(
    {
        0,
        1,
        _PRIME - 1,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    }
)


class Proof(NamedTuple):
    """A message's proof, and the two forms of the message of which either may be signed: what counts, and all that was sent."""

    jws: str
    counted: dict[str, Any]
    sent: dict[str, Any]


def read_key(text: str) -> "OKPKey":
    """The Ed25519 public key in a text of base64.

    Raises:
        ValueError: The text is no base64, has other than 32 bytes, or names a point for which anybody can sign.
    """
    try:
        raw = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("expected base64 (RFC 4648, with + / and =)") from None
    if len(raw) != KEY_BYTES:
        raise ValueError(f"expected the {KEY_BYTES} bytes of an Ed25519 public key in base64, found {len(raw)} bytes")
    if _is_weak(raw):
        raise ValueError("expected an Ed25519 public key; for this value anybody can sign")
    from joserfc.jwk import OKPKey

    key: OKPKey = OKPKey.import_key(
        {"kty": "OKP", "crv": "Ed25519", "x": urlsafe_b64encode(raw).rstrip(b"=").decode(), "use": "sig"}
    )
    return key


def proves(proof: Proof, key: "OKPKey") -> bool:
    """Whether the proof was made with this key for this message.

    Raises:
        ValueError: The message has no canonical form: it holds a whole number beyond 2^53.
    """
    # An attached payload would be verified in place of the message.
    if proof.jws.count(".") != 2 or ".." not in proof.jws:
        return False
    return _signed(proof.jws, canonical(proof.counted), key) or (
        proof.sent != proof.counted and _signed(proof.jws, canonical(proof.sent), key)
    )


def canonical(value: dict[str, Any]) -> bytes:
    """The canonical form of a JSON object (RFC 8785).

    orjson writes it once its members are in order, and rfc8785 the numbers that orjson writes in another form. Left to itself
    that library takes a quarter of a second for a message of many values: time that anybody could take from a consumer.

    Raises:
        ValueError: A whole number lies beyond 2^53.
    """
    return orjson.dumps(_in_order(value))


def _in_order(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return value
    if kind is dict:
        return {name: _in_order(value[name]) for name in sorted(value, key=_utf_16)}
    if kind is list:
        return [_in_order(each) for each in value]
    if kind is float and _SAME_FROM <= abs(value) < _EXACT:
        return int(value) if value.is_integer() else value
    if kind is float or (kind is int and abs(value) >= _EXACT):
        import rfc8785

        return orjson.Fragment(rfc8785.dumps(value))
    return value


def _utf_16(name: str) -> bytes:
    return name.encode("utf-16-be")


def _signed(jws: str, payload: bytes, key: "OKPKey") -> bool:
    from joserfc.jws import deserialize_compact

    try:
        read = deserialize_compact(jws, key, registry=_registry(), payload=payload)
    except Exception:  # noqa: BLE001 - a header may be any JSON; whatever it does to its reader, it proves nothing
        return False
    # An empty list is no header of RFC 7515, and joserfc lets it pass.
    return read.protected.get("crit") != []


@cache
def _registry() -> "JWSRegistry":
    """What joserfc takes for a proof: Ed25519 alone, under its two names."""
    from joserfc.jws import JWSRegistry

    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    # RFC 9864 names the curve where RFC 8037 wrote EdDSA; Node and most libraries still write that.
    registry.algorithms = dict.fromkeys(ALGORITHMS, JWSRegistry.algorithms["Ed25519"])
    registry.max_header_length = MAX_LENGTH
    registry.max_payload_length = MAX_PAYLOAD
    return registry


def _is_weak(raw: bytes) -> bool:
    return int.from_bytes(raw, "little") % 2**255 % _PRIME in _WEAK
