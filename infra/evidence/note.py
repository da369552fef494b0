"""Signed notes and checkpoints as C2SP describes them: a short text with lines of signatures by named Ed25519 keys.

A checkpoint is a note of three lines: the origin of a tree, its size, its root. Its log signs it; a witness that has seen the
tree grow adds a cosignature, which has a time. Pure: c2sp.org/signed-note, c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from struct import Struct
from typing import Final, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from infra.store.merkle import HASH_BYTES

SIGNATURE, COSIGNATURE = b"\x01", b"\x04"
KEY_BYTES: Final = 32
ID_BYTES: Final = 4
MOST_BYTES: Final = 100_000
_DASH: Final = "— "
_time: Final = Struct(">Q")
_NAME: Final = re.compile(r"[^\s+\x00-\x1f]+")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,17}")


class BadNote(ValueError):
    """A text is no signed note, no checkpoint, or no key; or no signature of the key is on it."""


class Signed(NamedTuple):
    """One line of signatures: whose it says it is, the id of the key, and the signature."""

    name: str
    key_id: bytes
    signature: bytes


class Verifier(NamedTuple):
    """A public key with its name: what somebody else needs to check a note."""

    name: str
    kind: bytes
    key: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """A key as it is told: name, id and key, with + between.

        Raises:
            BadNote: It is none.
        """
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        kind_and_key = _decoded(encoded)
        found = cls(name, kind_and_key[:1], kind_and_key[1:])
        if not _NAME.fullmatch(name) or found.kind not in (SIGNATURE, COSIGNATURE) or len(found.key) != KEY_BYTES:
            raise BadNote("expected a verifier key NAME+ID+KEY, as rapport audit checkpoint tells it")
        if found.id.hex() != key_id:
            raise BadNote("the verifier key has an id that is not its own: copy it again")
        return found

    @property
    def id(self) -> bytes:
        """What a line of signatures names the key by."""
        return sha256(self.name.encode() + b"\n" + self.kind + self.key).digest()[:ID_BYTES]

    def __str__(self) -> str:
        """The key as it is told."""
        return f"{self.name}+{self.id.hex()}+{b64encode(self.kind + self.key).decode()}"

    def check(self, note: "Note") -> datetime | None:
        """Make sure that the key signed a note; the time that a cosignature names.

        Raises:
            BadNote: It did not.
        """
        mine = [each for each in note.signatures if (each.name, each.key_id) == (self.name, self.id)]
        if not mine:
            raise BadNote(f"the note has no signature of {self.name} with the key {self.id.hex()}")
        time = None
        for each in mine:
            time, signature, message = None, each.signature, note.text.encode()
            if self.kind == COSIGNATURE and len(signature) > _time.size:
                (seconds,) = _time.unpack(signature[: _time.size])
                signature, message = signature[_time.size :], _cosigned(note.text, seconds)
                time = _moment(seconds)
            try:
                Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
            except (InvalidSignature, ValueError):
                raise BadNote(f"the signature of {self.name} does not fit the note: one of them was changed") from None
        return time


class Signer:
    """A private key with its name. `kind` says whether it signs or cosigns."""

    def __init__(self, name: str, seed: bytes, kind: bytes = SIGNATURE) -> None:
        if not _NAME.fullmatch(name) or len(seed) != KEY_BYTES:
            raise BadNote("expected a name without spaces or + and a key of 32 bytes")
        self._seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Verifier(name, kind, self._key.public_key().public_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> Self:
        """A private key as its file holds it.

        Raises:
            BadNote: It is none.
        """
        beginning, _, rest = text.strip().partition("PRIVATE+KEY+")
        name, _, rest = rest.partition("+")
        key_id, _, encoded = rest.partition("+")
        kind_and_seed = _decoded(encoded)
        kind = kind_and_seed[:1]
        if beginning or kind not in (SIGNATURE, COSIGNATURE):
            raise BadNote("expected PRIVATE+KEY+NAME+ID+KEY on one line")
        found = cls(name, kind_and_seed[1:], kind)
        if found.verifier.id.hex() != key_id:
            raise BadNote("the key has an id that is not its own")
        return found

    @property
    def secret(self) -> str:
        """The private key as its file holds it; never printed, logged or sent."""
        encoded = b64encode(self.verifier.kind + self._seed).decode()
        return f"PRIVATE+KEY+{self.verifier.name}+{self.verifier.id.hex()}+{encoded}"

    def signed(self, note: "Note", at: datetime | None = None) -> "Note":
        """The note with a signature of this key in addition; a cosignature needs a time."""
        if self.verifier.kind == COSIGNATURE:
            assert at is not None, "a cosignature has a time"
            seconds = int(at.timestamp())
            signature = _time.pack(seconds) + self._key.sign(_cosigned(note.text, seconds))
        else:
            signature = self._key.sign(note.text.encode())
        mine = Signed(self.verifier.name, self.verifier.id, signature)
        others = [each for each in note.signatures if each[:2] != mine[:2]]
        return note._replace(signatures=(*others, mine))

    def __repr__(self) -> str:
        """Only the public key: a secret has no place in a log or an error."""
        return f"Signer({self.verifier})"


class Note(NamedTuple):
    """A text, which ends with a line feed, and the lines of signatures under it."""

    text: str
    signatures: tuple[Signed, ...] = ()

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """A note as it is stored.

        Raises:
            BadNote: It is none.
        """
        if len(raw) > MOST_BYTES:
            raise BadNote("the note is too long")
        try:
            whole = raw.decode()
        except UnicodeDecodeError:
            raise BadNote("the note is no UTF-8 text") from None
        if re.search(r"[\x00-\x09\x0b-\x1f]", whole):
            raise BadNote("the note has control characters")
        text, gap, lines = whole.rpartition("\n\n")
        if not gap or not lines.endswith("\n"):
            raise BadNote("expected a text, an empty line, and lines of signatures")
        return cls(text + "\n", tuple(_signature(line) for line in lines[:-1].split("\n")))

    def __bytes__(self) -> bytes:
        """The note as it is stored."""
        return f"{self.text}\n{''.join(_line(each) for each in self.signatures)}".encode()


class Checkpoint(NamedTuple):
    """Which tree, how large, with which root."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def of(cls, note: Note) -> Self:
        """The checkpoint in a note, whose signatures are not looked at.

        Raises:
            BadNote: There is none.
        """
        origin, *rest = note.text[:-1].split("\n")
        if len(rest) != 2 or not _NAME.fullmatch(origin) or not _SIZE.fullmatch(rest[0]):
            raise BadNote("expected a checkpoint: the origin, the size and the root of a tree, a line each")
        root = _decoded(rest[1])
        if len(root) != HASH_BYTES:
            raise BadNote("the root of a checkpoint has 32 bytes")
        return cls(origin, int(rest[0]), root)

    @property
    def note(self) -> Note:
        """The checkpoint as a note without signatures."""
        return Note(f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n")


def checkpoint(raw: bytes, verifiers: Iterable[Verifier]) -> Checkpoint:
    """The checkpoint in a stored note that all of these keys signed.

    Raises:
        BadNote: It is no checkpoint, or one of them did not sign it.
    """
    note = Note.parse(raw)
    found = Checkpoint.of(note)
    for verifier in verifiers:
        verifier.check(note)
    return found


def _signature(line: str) -> Signed:
    dash, name, encoded = line[: len(_DASH)], *line[len(_DASH) :].partition(" ")[::2]
    raw = _decoded(encoded)
    if dash != _DASH or not _NAME.fullmatch(name) or len(raw) <= ID_BYTES:
        raise BadNote("a line of signatures is a dash, a name and the signature in base64")
    return Signed(name, raw[:ID_BYTES], raw[ID_BYTES:])


def _line(signed: Signed) -> str:
    return f"{_DASH}{signed.name} {b64encode(signed.key_id + signed.signature).decode()}\n"


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise BadNote("the time of a cosignature is out of range") from None


def _decoded(encoded: str) -> bytes:
    try:
        raw = b64decode(encoded, validate=True)
    except ValueError:
        raise BadNote("expected base64") from None
    if b64encode(raw).decode() != encoded:
        raise BadNote("expected base64 in its one form")
    return raw
