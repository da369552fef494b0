"""Reading without keys, as the login of an auditor does: every fact, and of content that it is there."""

from collections.abc import Callable, Collection
from functools import cached_property
from typing import Final, NoReturn

import orjson

from domain.content import out_of_reach, unreadable
from domain.model import AnyRecorded
from infra.sealing.errors import KeysRefused
from infra.sealing.key_store import Owned, is_among
from infra.sealing.sealer import owner
from infra.store.errors import StoreError
from infra.store.mapper import RapportMapper, Words
from infra.store.sealed_bytes import Box, Writer, put_back

REFUSED: Final = "this login reads the record without its words and writes nothing: ask somebody who runs Rapport as a member of rapport_service"


class Unkeyed:
    """Opens nothing: content that has keys somewhere is out of reach, and what the log says is erased is erased.

    `erased` gives the owners whose keys the log has destroyed.
    """

    def __init__(self, erased: Callable[[], Collection[Owned]]) -> None:
        self._find_erased = erased
        self._mapper = RapportMapper()

    def seal(self, topic: str, event: AnyRecorded, write: Writer) -> NoReturn:  # noqa: ARG002 - nothing is written
        """Raises `KeysRefused`."""
        raise KeysRefused(REFUSED)

    def fetch_keys(self, subjects: Collection[str]) -> None:
        """Nothing: there are no keys."""

    def unseal(self, topic: str, state: bytes) -> bytes:
        """The event's JSON, with marks in the place of its content."""
        return self.unseal_checked(topic, state)[0]

    def unseal_checked(self, topic: str, state: bytes) -> tuple[bytes, Words]:
        """The same; none of it can be read, and whether that is so for everybody."""
        if self._is_erased(topic, state):
            return put_back(state, lambda _: None), "keyless"
        return put_back(state, _out_of_reach), "out of reach"

    def seal_state(self, subject: str, bound_to: bytes, plain: bytes) -> None:
        """None: nothing is written."""

    def unseal_state(self, subject: str, bound_to: bytes, key: str, box: bytes) -> None:
        """None: without its key a state is folded from the events."""

    def words_mark(self) -> int:
        """Always the same: nothing was unsealed."""
        return 0

    @property
    def fingerprint_key(self) -> NoReturn:
        """Raises `KeysRefused`."""
        raise KeysRefused(REFUSED)

    def _is_erased(self, topic: str, state: bytes) -> bool:
        if not self._erased:
            return False
        event = self._mapper.decode_facts(topic, state)
        return is_among(self._erased, event.subject, owner(event))

    @cached_property
    def _erased(self) -> frozenset[Owned]:
        try:
            return frozenset(self._find_erased())
        except (StoreError, LookupError):
            # A record that is damaged there: the audit says so of the event itself.
            return frozenset()


def _out_of_reach(box: Box) -> bytes:
    return orjson.dumps(unreadable(box.fields, box.version, out_of_reach))
