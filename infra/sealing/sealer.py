"""An event's stored bytes, sealed and unsealed: facts in the clear, all content in one box.

Stored is the JSON of the event without its content, then `salt`, 12 random bytes that make every hash unguessable and are
the nonce, then `sealed` with the id of the key, the paths of the content and the box. The box is bound to the subject, the
version, the topic and the paths, so it opens nowhere else.
"""

import secrets
from binascii import a2b_base64, b2a_base64
from collections.abc import Collection
from functools import cache
from typing import Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain import registry
from domain.content import Content, Tree, content_holds, content_of, split
from domain.ids import MACHINES
from domain.model import AnyRecorded, Event, Whose, is_blank
from domain.relationship.events import FactCorrected
from infra.sealing.keys import Keys
from infra.sealing.master_key import NONCE_BYTES
from infra.store.mapper import Words
from infra.store.sealed_bytes import Box, Writer, place_of, put_back, with_box, with_salt, written

# The owner of the snapshots of a relationship; no id begins so. Its key goes with anybody's words there.
OF_STATE: Final = "=state"


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
        place, paths = place_of(plain), written(list(found))
        key = self.keys.to_seal(event.subject, owner(event))
        sealed = key.cipher.encrypt(salt, orjson.dumps(found), _bound_to(place, topic, paths))
        return with_box(plain, Box(place, _base64(salt), key.id.encode(), paths, _base64(sealed)))

    def fetch_keys(self, subjects: Collection[str]) -> None:
        """Look up at once the keys of subjects of which much will be unsealed."""
        self.keys.fetch(subjects)

    def unseal(self, topic: str, state: bytes) -> bytes:
        """The JSON of an event with its content; in the place of what does not open stands that it is unreadable."""
        return put_back(state, lambda box: self._opened(topic, box))

    def unseal_checked(self, topic: str, state: bytes) -> tuple[bytes, Words]:
        """The same, and whether its key is gone or does not open it."""
        words: Words = "read"

        def opened(box: Box) -> bytes | None:
            nonlocal words
            content = self._opened(topic, box)
            if content is None:
                words = "keyless" if self._cipher(box) is None else "damaged"
            return content

        return put_back(state, opened), words

    def seal_state(self, subject: str, bound_to: bytes, plain: bytes) -> tuple[str, bytes]:
        """The key and the box of a state of a subject, which holds words of several people."""
        key, nonce = self.keys.to_seal(subject, OF_STATE), secrets.token_bytes(NONCE_BYTES)
        return key.id, nonce + key.cipher.encrypt(nonce, plain, bound_to)

    def unseal_state(self, subject: str, bound_to: bytes, key: str, box: bytes) -> bytes | None:
        """The state in a box; None where its key is gone, or where it was bound to something else or changed."""
        cipher = self.keys.known(key) or self.keys.to_unseal(subject, key)
        if cipher is None:
            return None
        try:
            return cipher.decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError):
            return None

    def words_mark(self) -> int:
        """Another number once keys were destroyed, here or by another process."""
        return self.keys.times_forgotten()

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


def content_in(event: AnyRecorded) -> list[str]:
    """The paths of the content of an event."""
    kind: type[Event] = type(event.data)
    if not content_of(kind):
        return []
    if (texts := _only_texts(kind)) is not None:
        return [name for name in texts if (text := getattr(event.data, name)) and not is_blank(text)]
    return list(_split(event, event.__pydantic_serializer__.to_json)[1])


def owner(event: AnyRecorded) -> str:
    """Under whose key the content of an event is: what is the mentee's or the mentor's no matter who wrote it down is theirs.

    In a relationship the key is that of the role, for an event does not say who has it. What corrects a fact has a key of its own,
    which goes when the corrected fact's author is erased. All else is the author's, by the id that they have in all roles.
    """
    kind, _, id_ = event.subject.partition(":")
    if kind == "person":
        return id_.lower()
    of_event: type[Event] = type(event.data)
    whose = _whose(of_event)
    if whose in {"mentee", "mentor"}:
        return of_role(whose) if kind == event.subject else id_.lower()
    if isinstance(event.data, FactCorrected):
        return of_fact(event.data.version)
    return author(event.actor)


def author(actor: str) -> str:
    """The author of an event as an owner of keys."""
    role, _, id_ = actor.partition(":")
    return actor if role in MACHINES else id_.lower()


def of_role(role: str) -> str:
    """The owner of what belongs to the mentee or the mentor of a relationship; no id begins so."""
    return f"={role}"


def of_fact(version: int) -> str:
    """The owner of what corrects the fact of a version."""
    return f"=fact:{version}"


@cache
def _whose(event: type[Event]) -> Whose:
    """Whose the content of an event is: all of it is of one person; where there is none it is the record's."""
    found = {held.whose for held in content_holds(event)} or {"record"}
    assert len(found) == 1, f"the content of {event.__name__} is of several people"
    return found.pop()


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
    stored["data"], found = split(kind.__name__, stored["data"], tree, _of_fact)
    return orjson.dumps(stored), found


@cache
def _of_fact(event: str) -> Tree:
    """What is content of the command of a fact."""
    return content_of(registry.COMMANDS[registry.COMMAND_OF[event]])


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
