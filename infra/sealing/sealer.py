"""An event's stored bytes, sealed and unsealed: facts in the clear, all content in one box.

Stored is the JSON of the event without its content, then `salt`, 12 random bytes that make every hash unguessable and are
the nonce, then `sealed` with the id of the key, the paths of the content and the box. The box is bound to the subject, the
version, the topic and the paths, so it opens nowhere else. A correction has two boxes where its fact is somebody else's.
"""

import secrets
from binascii import a2b_base64, b2a_base64
from collections.abc import Collection, Mapping
from functools import cache
from typing import Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain import registry
from domain.content import STEP, Content, Tree, content_of, split, whose_content
from domain.ids import MACHINES
from domain.model import AnyRecorded, Event, Whose, is_blank
from domain.relationship.events import FactCorrected
from infra.sealing.keys import Keys
from infra.sealing.master_key import NONCE_BYTES
from infra.store.sealed_bytes import (
    SEALED,
    Box,
    Writer,
    place_of,
    put_back,
    with_another_box,
    with_box,
    with_salt,
    written,
)

# No id has a colon, so no person is called so.
_PARTY: Final = "party"
_FACT_TREES: Final[Mapping[str, Tree]] = {
    event: content_of(registry.COMMANDS[command]) for event, command in registry.COMMAND_OF.items()
}


class Sealer:
    """Seals what is written and unseals what is read, with the keys of one store."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    def seal(self, topic: str, event: AnyRecorded, write: Writer) -> bytes:
        """The stored bytes of an event; `write` writes its JSON."""
        salt = secrets.token_bytes(NONCE_BYTES)
        plain, found = _split(event, write)
        if not found:
            return with_salt(plain, _base64(salt))
        place = place_of(plain)
        parts = _by_owner(event, found)
        first, *others = (self._box(event.subject, owner, part, place, topic, salt) for owner, part in parts.items())
        sealed = with_box(plain, first)
        for other in others:
            sealed = with_another_box(sealed, other)
        return sealed

    def _box(self, subject: str, owner: str, content: Content, place: bytes, topic: str, salt: bytes) -> Box:
        key, paths = self.keys.to_seal(subject, owner), written(list(content))
        sealed = key.cipher.encrypt(salt, orjson.dumps(content), _bound_to(place, topic, paths))
        return Box(place, _base64(salt), key.id.encode(), paths, _base64(sealed))

    def unseal(self, topic: str, state: bytes) -> bytes:
        """The JSON of an event with its content; in the place of what does not open stands that it is unreadable."""
        return put_back(state, lambda box: self._opened(topic, box))

    def tampered(self, topic: str, state: bytes) -> tuple[str, ...]:
        """The paths of sealed content whose box does not open though its key is there."""
        found: list[str] = []

        def opened(box: Box) -> bytes | None:
            content = self._opened(topic, box)
            if content is None and self._cipher(box) is not None:
                found.extend(box.fields)
            return content

        if SEALED in state:
            put_back(state, opened)
        return tuple(found)

    @property
    def fingerprint_key(self) -> bytes:
        """The key of the fingerprints of messages."""
        return self.keys.fingerprint_key

    def _opened(self, topic: str, box: Box) -> bytes | None:
        """The content as JSON; None where the key is gone or the box was changed."""
        cipher = self._cipher(box)
        if cipher is None:
            return None
        try:
            return cipher.decrypt(a2b_base64(box.salt), a2b_base64(box.box), _bound_to(box.place, topic, box.paths))
        except (InvalidTag, ValueError):
            return None

    def _cipher(self, box: Box) -> AESGCM | None:
        id_ = box.key.decode()
        return self.keys.known(id_) or self.keys.to_unseal(box.subject, id_)


def owner_of(subject: str, whose: Whose, author: str) -> str:
    """Under which name the keys of content are kept: the id of the person, or which party of the relationship it is.

    A person has the same id in all roles. All of an entry belongs to its person, all that is said about a mentor's profile to the mentor.
    """
    kind, colon, id_ = subject.partition(":")
    if kind == "person" or (colon and whose == kind):
        return id_.lower()
    if whose in {"mentee", "mentor"}:
        return f"{_PARTY}:{whose}"
    role, _, author_id = author.partition(":")
    return author if role in MACHINES else author_id.lower()


def owners_of(person_id: str, parties: Collection[str] = ()) -> frozenset[str]:
    """The names under which a person's keys of one subject are kept: their own id, and that of the party (mentee, mentor) they are."""
    return frozenset({person_id.lower(), *(f"{_PARTY}:{party}" for party in parties)})


def _by_owner(event: AnyRecorded, content: Content) -> dict[str, Content]:
    """The content by whose it is: of a correction, what it says of the fact is the fact's."""
    kind: type[Event] = type(event.data)
    own = owner_of(event.subject, whose_content(kind) or "author", event.actor)
    if not isinstance(event.data, FactCorrected):
        return {own: content}
    fact = registry.COMMANDS[registry.COMMAND_OF[event.data.fact]]
    facts = owner_of(event.subject, whose_content(fact) or "author", event.data.stated_by or event.actor)
    found: dict[str, Content] = {}
    for path, value in content.items():
        found.setdefault(facts if path.startswith(f"data{STEP}") else own, {})[path] = value
    return found


def _split(event: AnyRecorded, write: Writer) -> tuple[bytes, Content]:
    """The JSON of an event without its content, and the content by its path."""
    kind: type[Event] = type(event.data)
    tree = content_of(kind)
    if not tree:
        return write(event, exclude_none=True), {}
    if (texts := _only_texts(kind)) is not None:
        found = {name: text for name in texts if (text := getattr(event.data, name)) and not is_blank(text)}
        return write(event, exclude_none=True, exclude={"data": set(found)} if found else None), found
    stored = orjson.loads(write(event, exclude_none=True))
    stored["data"], found = split(kind.__name__, stored["data"], tree, _FACT_TREES)
    return orjson.dumps(stored), found


@cache
def _only_texts(kind: type[Event]) -> tuple[str, ...] | None:
    """The fields with content where all of them are single texts, which most events have; else None."""
    tree = content_of(kind)
    plain = all(each == "text" for each in tree.values()) and kind.__name__ != "FactCorrected"
    return tuple(tree) if plain else None


def _bound_to(place: bytes, topic: str, paths: bytes) -> bytes:
    """What a box is bound to: subject and version, as the event begins with them, its topic, and the paths."""
    return b"%b\n%b\n%b" % (place, topic.encode(), paths)


def _base64(data: bytes) -> bytes:
    return b2a_base64(data, newline=False)
