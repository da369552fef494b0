"""Messages whose `data` their sender encrypted to Rapport's public key, so that what carries them can't read it.

The data is a JWE in its compact form (RFC 7516), with ECDH-ES over X25519 and A256GCM, and `datacontenttype` is `application/jose`.
Its protected header names the message in which it was put: `iss` its source, `jti` its id, `sub` its subject. In another message it is
not opened, or a carrier of messages could put somebody's words into one of their own and read them there.

Opened, it is the message that was meant, and the same one whether it came encrypted or not. A proof is made over what was sent, after
encrypting: a signature over the words themselves would let others try out what they are.
"""

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from domain.problem import Problem
from infra import private_file
from infra.intake import form_problems
from infra.intake.message import BYTE_ORDER_MARK, MAX_BYTES, SIGNED, Message, parse
from infra.intake.proof import Proof
from infra.intake.receipt import Receipt
from infra.settings import Settings, WrongSettings
from infra.store.address import key_file
from infra.whole_file import whole_file

if TYPE_CHECKING:
    from joserfc.jwe import JWERegistry
    from joserfc.jwk import OKPKey

MEDIA_TYPE: Final = "application/jose"
ALGORITHM: Final = "ECDH-ES"
ENCRYPTION: Final = "A256GCM"
CURVE: Final = "X25519"
# What the header says of the message, by the attribute that says it there.
NAMES: Final = {"source": "iss", "id": "jti", "subject": "sub"}
MAX_HEADER: Final = 4_000
# More than any broker is set to take.
LONGEST_OWN: Final = 512 * 1024 * 1024
_MARK: Final = MEDIA_TYPE.encode()
_EXPECTED: Final = (
    f"expected data encrypted for this store: a compact JWE with {ALGORITHM} over {CURVE} and {ENCRYPTION}"
)
_NOT_ENCRYPTED: Final = Problem(
    "not_encrypted",
    f"expected encrypted data, as RAPPORT_KAFKA_ENCRYPTED says: a JWE with datacontenttype {MEDIA_TYPE}; "
    "rapport keys show --public prints the key",
    field="data",
)


class EncryptionKeys:
    """The private keys to which senders encrypt, by their ids, the newest first."""

    def __init__(self, keys: "list[OKPKey]", *, required: bool = False) -> None:
        self.keys = {key.thumbprint(): key for key in keys}
        self.required = required

    @property
    def public(self) -> dict[str, Any] | None:
        """The newest one's public half as a JWK; None where there is no key."""
        newest = next(iter(self.keys.items()), None)
        if newest is None:
            return None
        kid, key = newest
        return {**key.as_dict(private=False), "kid": kid, "use": "enc", "alg": ALGORITHM}

    def read(self, raw: bytes) -> Message | Receipt:
        """The message in these bytes, its data opened; an invalid receipt where it can't be, or has to be encrypted and is not."""
        sent = _sent(raw) if _MARK in raw and len(raw) <= MAX_BYTES else None
        if sent is None or sent.get("datacontenttype") != MEDIA_TYPE:
            found = parse(raw)
            return _refused(found) if self.required and isinstance(found, Message) else found
        data = self._opened(sent)
        if isinstance(data, Problem):
            return form_problems.invalid(sent, [data])
        plain = {name: value for name, value in sent.items() if name not in {"datacontenttype", "proof"}}
        found = parse(orjson.dumps({**plain, "data": orjson.Fragment(data)}))
        return found._replace(raw=raw, proof=_proof(sent)) if isinstance(found, Message) else found

    def encrypt(self, text: bytes, source: str, id_: str) -> bytes:
        """A compact JWE of these bytes that the newest key opens, and only under the same names; a key is there."""
        return self._encrypted(text, _names(source, id_)).encode()

    def enclosed(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """A message with its data encrypted, as a sender would encrypt it; a key is there."""
        named = {member: sent[name] for name, member in NAMES.items() if name in sent}
        return {**sent, "data": self._encrypted(orjson.dumps(sent["data"]), named), "datacontenttype": MEDIA_TYPE}

    def _encrypted(self, text: bytes, named: Mapping[str, str]) -> str:
        from joserfc import jwe

        kid, key = next(iter(self.keys.items()))
        header = {"alg": ALGORITHM, "enc": ENCRYPTION, "kid": kid, **named}
        return jwe.encrypt_compact(header, text, key, registry=_registry(LONGEST_OWN))

    def decrypt(self, text: bytes, source: str, id_: str) -> bytes | None:
        """What `encrypt` was given; None where these keys don't open it, or it was made under other names."""
        from joserfc import jwe
        from joserfc.errors import JoseError

        try:
            header = _header(text.decode("ascii"))
            if header | _names(source, id_) != header:
                return None
            return jwe.decrypt_compact(text, self.keys[header["kid"]], registry=_registry(LONGEST_OWN)).plaintext
        except (JoseError, ValueError, TypeError, KeyError):
            return None

    def _opened(self, sent: dict[str, Any]) -> bytes | Problem:
        from joserfc import jwe
        from joserfc.errors import JoseError

        text = sent.get("data")
        if not isinstance(text, str) or not text.isascii():
            return Problem("bad_value", _EXPECTED, field="data")
        try:
            header = _header(text)
            kid = header.get("kid")
            key = self.keys.get(kid) if isinstance(kid, str) else None
            if key is None:
                return Problem(
                    "unknown_key", f"{_EXPECTED}, with the kid of its key (rapport keys show --public)", field="data"
                )
            if wrong := [name for name, member in NAMES.items() if header.get(member) != sent.get(name)]:
                said = ", ".join(f"{NAMES[name]} the message's {name}" for name in wrong)
                return Problem(
                    "another_message", f"expected data encrypted for this message: in its header {said}", field="data"
                )
            data = jwe.decrypt_compact(text, key, registry=_registry(MAX_BYTES)).plaintext
            assert data is not None, "it was decrypted"
            orjson.loads(data)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            del error
            return Problem("not_opened", f"{_EXPECTED}; this can't be opened, or holds no JSON", field="data")
        return data


NO_KEYS: Final = EncryptionKeys([])


def place(settings: Settings) -> Path:
    """The file of the private keys.

    Raises:
        WrongSettings: The user's data folder can't be made.
        StoreError: The address of the store can't be understood.
    """
    named, setting = settings.encryption_key_file, "RAPPORT_ENCRYPTION_KEY_FILE"
    return key_file(named, settings.store, "encryption-key", setting=setting, key="to which senders encrypt")


def load(settings: Settings) -> EncryptionKeys:
    """The keys of the file; none where there is no file.

    Raises:
        WrongSettings: Others can read it, or it holds no such keys; or encrypted data is required and there is no key.
    """
    from joserfc.errors import JoseError
    from joserfc.jwk import OKPKey

    file = place(settings)
    try:
        keys = [OKPKey.import_key(each) for each in orjson.loads(private_file.read(file))["keys"]]
        if not all(key.curve_name == CURVE and key.is_private for key in keys):
            raise ValueError("another kind of key")  # noqa: TRY301 - one answer for all that is wrong
    except FileNotFoundError:
        keys = []
    except OSError as error:
        raise WrongSettings(f"the key file {file} can't be read: {error.strerror}") from None
    except private_file.Exposed as error:
        raise WrongSettings(f"the key file {file} {error}") from None
    except (JoseError, ValueError, TypeError, KeyError):
        raise WrongSettings(
            f"the key file {file} holds no keys: expected a set of private {CURVE} keys (JWK)"
        ) from None
    if settings.kafka_encrypted and not keys:
        raise WrongSettings(
            "RAPPORT_KAFKA_ENCRYPTED asks for encrypted data and there is no key: run rapport keys show --public"
        )
    return EncryptionKeys(keys, required=settings.kafka_encrypted)


def add_key(settings: Settings) -> None:
    """Make a new key, the newest one from now on; those that were there go on opening what was encrypted to them.

    Raises:
        WrongSettings: The file can't be read or written.
    """
    from joserfc.jwk import OKPKey

    file = place(settings)
    known = load(settings.model_copy(update={"kafka_encrypted": False}))
    keys = [OKPKey.generate_key(CURVE), *known.keys.values()]
    written = orjson.dumps({"keys": [key.as_dict(private=True) for key in keys]})
    try:
        if known.keys:
            with whole_file(file) as out:
                out.write(written)
        else:
            private_file.make(file, written)
    except OSError as error:
        raise WrongSettings(f"the key file {file} can't be made: {error.strerror}") from None


def _sent(raw: bytes) -> dict[str, Any] | None:
    """What was sent, as an object; None where a look at its form says that it is no message, which `parse` says better."""
    raw = raw.removeprefix(BYTE_ORDER_MARK)
    try:
        found, text = orjson.loads(raw), raw.decode()
    except ValueError:
        return None
    if not isinstance(found, dict) or form_problems.too_deep(text, found):
        return None
    written = orjson.dumps(found, option=orjson.OPT_SORT_KEYS).decode()
    return None if any(form_problems.irregular(text, found, written)) else found


def _header(jwe: str) -> dict[str, Any]:
    """The protected header of a compact JWE.

    Raises:
        ValueError: There is none.
    """
    encoded = jwe.partition(".")[0]
    if len(encoded) > MAX_HEADER:
        raise ValueError("a header too long")
    found = orjson.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    if not isinstance(found, dict):
        raise ValueError("no header")  # noqa: TRY004 - one error for all that is wrong
    return found


def _names(source: str, id_: str) -> dict[str, str]:
    return {NAMES["source"]: source, NAMES["id"]: id_}


def _proof(sent: dict[str, Any]) -> Proof | None:
    jws = sent.get("proof")
    if not isinstance(jws, str):
        return None
    counted = {name: value for name, value in sent.items() if name in SIGNED and value is not None}
    return Proof(jws, counted, {name: value for name, value in sent.items() if name != "proof"})


def _refused(message: Message) -> Receipt:
    return Receipt(message.source, message.id, message.subject, "invalid", (), (_NOT_ENCRYPTED,))


@cache
def _registry(longest: int) -> "JWERegistry":
    """What joserfc takes: this algorithm and this encryption alone, nothing compressed, and no more bytes than these."""
    from joserfc.jwe import JWERegistry

    registry = JWERegistry(algorithms=[ALGORITHM, ENCRYPTION], strict_check_header=False)
    registry.max_ciphertext_length = longest
    registry.max_protected_header_length = MAX_HEADER
    return registry
