"""An event's stored bytes, sealed and unsealed: facts in the clear, all content in one box.

Stored is the JSON of the event without its content, then `salt`, 12 random bytes that make every hash unguessable and are
the nonce, then `sealed` with the id of the key, the paths of the content and the box. The box is bound to the subject, the
version, the topic and the paths, so it opens nowhere else.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag

from domain import registry
from domain.content import Content, Tree, content_of, merged, split, unreadable
from domain.ids import MACHINES
from domain.model import AnyRecorded, Event
from infra.sealing.keys import Keys
from infra.sealing.master_key import NONCE_BYTES

_FACT_TREES: Final[Mapping[str, Tree]] = {
    event: content_of(registry.COMMANDS[command]) for event, command in registry.COMMAND_OF.items()
}


class Sealer:
    """Seals what is written and unseals what is read, with the keys of one store."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    def seal(self, topic: str, event: AnyRecorded, plain: bytes) -> bytes:
        """The stored bytes of an event, given its JSON."""
        salt = secrets.token_bytes(NONCE_BYTES)
        kind: type[Event] = type(event.data)
        tree = content_of(kind)
        found: Content = {}
        if tree:
            stored = orjson.loads(plain)
            stored["data"], found = split(kind.__name__, stored["data"], tree, _FACT_TREES)
        if not found:
            return b'%b,"salt":"%b"}' % (plain[:-1], urlsafe_b64encode(salt))
        fields = list(found)
        key = self.keys.to_seal(event.subject, author(event.actor))
        box = key.cipher.encrypt(salt, orjson.dumps(found), _bound_to(event.subject, event.version, topic, fields))
        stored["salt"] = urlsafe_b64encode(salt).decode()
        stored["sealed"] = {"key": key.id, "fields": fields, "box": urlsafe_b64encode(box).decode()}
        return orjson.dumps(stored)

    def unseal(self, topic: str, state: bytes) -> bytes:
        """The JSON of an event with its content; in the place of what does not open stands that it is unreadable."""
        stored = orjson.loads(state)
        sealed = stored.pop("sealed")
        content = self._opened(topic, stored, sealed)
        if content is None:
            content = unreadable(sealed["fields"], stored["version"])
        merged(stored["data"], content)
        return orjson.dumps(stored)

    @property
    def fingerprint_key(self) -> bytes:
        """The key of the fingerprints of messages."""
        return self.keys.fingerprint_key

    def is_tampered(self, topic: str, state: bytes) -> tuple[str, ...]:
        """The sealed fields whose box does not open though its key is there."""
        stored = orjson.loads(state)
        sealed = stored.get("sealed")
        if sealed is None or self.keys.to_unseal(stored["subject"], sealed["key"]) is None:
            return ()
        return () if self._opened(topic, stored, sealed) is not None else tuple(sealed["fields"])

    def _opened(self, topic: str, stored: dict[str, Any], sealed: dict[str, Any]) -> Content | None:
        """The content; None where the key is gone or the box was changed."""
        subject, version = stored["subject"], stored["version"]
        cipher = self.keys.to_unseal(subject, sealed["key"])
        if cipher is None:
            return None
        try:
            opened: Content = orjson.loads(
                cipher.decrypt(
                    urlsafe_b64decode(stored["salt"]),
                    urlsafe_b64decode(sealed["box"]),
                    _bound_to(subject, version, topic, sealed["fields"]),
                )
            )
        except (InvalidTag, ValueError):
            return None
        return opened


def author(actor: str) -> str:
    """Whose content it is: the id of a person, who has one in all roles; a machine with its role."""
    role, _, id_ = actor.partition(":")
    return actor if role in MACHINES else id_.lower()


def _bound_to(subject: str, version: int, topic: str, fields: list[str]) -> bytes:
    return "\n".join((subject, str(version), topic, *fields)).encode()
