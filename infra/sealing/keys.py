"""The data keys of a store: one for each subject and person, random, kept wrapped by the master key.

Keys are made while events are written and stored before the events that need them. A process that looks for a key and
finds none has found an erased one. Rotation wraps the data keys anew; they stay the same, and so do all events.
"""

import secrets
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.private_file import data_folder
from infra.sealing import master_key
from infra.sealing.errors import KeysRefused
from infra.sealing.key_store import EVERYWHERE, Belonging, KeyRow, KeyStore, Owned, SQLiteKeyStore
from infra.sealing.master_key import KEY_BYTES, MasterKey
from infra.store.address import is_this_machine

# Of some 3 KB each.
CACHED: Final = 20_000
# For so long a process may go on with a key that another one has destroyed.
LOOK_AGAIN_SECONDS: Final = 1.0
_FINGERPRINTS: Final = "fingerprints"


class DataKey(NamedTuple):
    """A key that seals: its id, which events name, and the cipher."""

    id: str
    cipher: AESGCM


class Fit(NamedTuple):
    """What `rapport keys check` found: nothing of it is secret."""

    keys: str
    master_key_file: str
    master_key: str
    store: str
    data_keys: int
    subjects: int
    people: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Every key opens with the master key."""
        return not self.problems


class Keys:
    """The keys of one store. Threads may share them.

    They are made at first use, where they may be; `say` hears where. `has_sealed` tells whether the store has sealed events:
    then missing keys are never made anew.
    """

    def __init__(
        self,
        kept: KeyStore,
        master_file: Path,
        store_id: Callable[[], str],
        has_sealed: Callable[[], bool],
        *,
        makes_master: bool,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.kept = kept
        self.master_file = master_file
        self._store_id, self._has_sealed = store_id, has_sealed
        self._makes_master, self._say = makes_master, say
        self._turn = threading.RLock()
        self._masters: dict[str, MasterKey] = {}
        self._belonging: Belonging | None = None
        self._fingerprint_key: bytes | None = None
        # Plain dictionaries, which are read without waiting for anybody; they begin anew when they are full.
        self._of_person: dict[tuple[str, str], DataKey] = {}
        self._of_id: dict[str, AESGCM | None] = {}
        self._looked_up: set[str] = set()
        self._new: list[tuple[KeyRow, bytes]] = []
        # How often keys were destroyed when that was last looked at, and when to look again.
        self._erasures, self._look_again_at = -1, 0.0
        self._forgotten = 0

    # --- the start -------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Make sure that the keys fit, if there are any yet.

        Raises:
            KeysRefused: The keys are of another store, or the master key is missing, wrong, or readable by others.
        """
        with self._turn:
            if self.kept.exists and (belonging := self.kept.belonging()) is not None:
                self._take(belonging)
                return
            if self._has_sealed():
                # A copy of the record alone: everything but words can be read and verified, and nothing can be written.
                self._say(f"{self._lost()}; until then words are shown as erased and nothing can be recorded")
            elif self.master_file.exists() or not self._makes_master:
                master_key.read(self.master_file)

    def make(self) -> bool:
        """Make the keys, or make sure that they fit; whether they were made.

        Raises:
            KeysRefused: They do not fit, or they are gone though the store has sealed events.
        """
        with self._turn:
            if self._belonging is not None:
                return False
            belonging = self.kept.belonging() if self.kept.exists else None
            made = belonging is None
            if belonging is None:
                belonging = self._begun()
            self._take(belonging)
            return made

    def _lost(self) -> str:
        return (
            f"the store has sealed content and its keys are not in {self.kept.place}: restore them from a backup, or name "
            "the right place in RAPPORT_KEYS"
        )

    def _begun(self) -> Belonging:
        if self._has_sealed():
            raise KeysRefused(self._lost())
        if self._makes_master and not self.master_file.exists() and master_key.make(self.master_file):
            self._say(
                f"made a master key in {self.master_file} and keys in {self.kept.place}: back both up, apart from the store and "
                "from each other; without them no content can be read"
            )
        newest = master_key.read(self.master_file)[0]
        fingerprint = newest.wrap(secrets.token_bytes(KEY_BYTES), _FINGERPRINTS)
        self.kept.prepare()
        self.kept.begin(Belonging(self._store_id(), newest.id, newest.id, fingerprint))
        begun = self.kept.belonging()
        assert begun is not None, "what was begun is there"
        return begun

    def _take(self, belonging: Belonging) -> None:
        if belonging.store_id != self._store_id():
            raise KeysRefused(
                f"the keys in {self.kept.place} are those of another store: name the keys of this one in RAPPORT_KEYS"
            )
        key = self._master(belonging.fingerprint_master).unwrap(belonging.fingerprint_key, _FINGERPRINTS)
        self._master(belonging.master_id)
        self._belonging, self._fingerprint_key = belonging, key

    def _master(self, id_: str) -> MasterKey:
        """The master key of this id; the file is read again for one that is new here."""
        if id_ not in self._masters:
            self._masters = {key.id: key for key in master_key.read(self.master_file)}
        if id_ not in self._masters:
            raise KeysRefused(
                f"the master key in {self.master_file} is not the one that wraps the keys in {self.kept.place}: name the right "
                "file in RAPPORT_MASTER_KEY_FILE"
            )
        return self._masters[id_]

    # --- use -------------------------------------------------------------------------------------------------------
    @property
    def fingerprint_key(self) -> bytes:
        """The key of the fingerprints of messages."""
        if self._fingerprint_key is None:
            self.make()
        assert self._fingerprint_key is not None
        return self._fingerprint_key

    def to_seal(self, subject: str, person: str) -> DataKey:
        """The key for what a person writes about a subject; a new one, to be stored by `flush`, where there is none."""
        self._forget_destroyed()
        found = self._of_person.get((subject, person))
        if found is not None:
            return found
        with self._turn:
            self.make()
            if subject not in self._looked_up:
                self._look_up([subject])
            return self._of_person.get((subject, person)) or self._minted(subject, person)

    def known(self, key_id: str) -> AESGCM | None:
        """The key of this id if it was used here before."""
        self._forget_destroyed()
        return self._of_id.get(key_id)

    def to_unseal(self, subject: str, key_id: str) -> AESGCM | None:
        """The key of this id; None where it was destroyed."""
        with self._turn:
            if key_id not in self._of_id:
                self._look_up([subject])
            return self._of_id.setdefault(key_id, None)

    def fetch(self, subjects: Collection[str]) -> None:
        """Look up the keys of many subjects at once which will be asked for one after the other.

        What is wrong with one of them is said when that is asked for. Raises `UnreachableStore`.
        """
        self._forget_destroyed()
        with self._turn, suppress(KeysRefused):
            if new := [subject for subject in subjects if subject not in self._looked_up]:
                self._look_up(new)

    def flush(self) -> None:
        """Store the keys that were made since the last time: before the events that need them."""
        if not self._new:
            return
        with self._turn:
            with self.kept.writing():
                belonging = self.kept.belonging()
                assert belonging is not None, "keys are made after their store"
                # While others rotate, new keys are wrapped by the new master key.
                master = self._master(belonging.master_id)
                fenced = self.kept.fenced({row.subject for row, _ in self._new})
                self.kept.add(
                    [
                        row._replace(master_id=master.id, wrapped=master.wrap(key, _what(row)))
                        for row, key in self._new
                        if fenced.isdisjoint({Owned(row.subject, row.person), Owned(EVERYWHERE, row.person)})
                    ]
                )
            self._new.clear()
            if fenced:
                # What was sealed for the erased is unreadable at once.
                self._forget()

    # --- erasure ---------------------------------------------------------------------------------------------------
    def erased_up_to(self) -> int | None:
        """Up to which position of the log erasures are carried out; None where there are no keys."""
        return self.kept.erasing().up_to if self._belonging is not None else None

    @property
    def writable(self) -> bool:
        """Whether keys can be destroyed here: a copy may be kept where nobody writes."""
        return self.kept.writable

    def destroy(self, owned: Collection[Owned], position: int) -> int:
        """Destroy keys for good, as the log asks up to a position; none is made in their place. Returns how many there were."""
        with self._turn:
            with self.kept.writing():
                destroyed = self.kept.destroy(owned)
                before = self.kept.erasing()
                self.kept.erased_up_to(position, before.times + bool(owned))
            self._forget_all_of(owned)
        return destroyed

    def fenced(self, subjects: Collection[str]) -> Collection[Owned]:
        """For whom no key of these subjects, or of any, is made again."""
        return self.kept.fenced(subjects) if self._belonging is not None else ()

    def fence(self, owned: Collection[Owned]) -> None:
        """Let no key be made for these either, who had none yet when the erasure was carried out."""
        with self._turn:
            with self.kept.writing():
                if self.kept.destroy(owned):
                    before = self.kept.erasing()
                    self.kept.erased_up_to(before.up_to, before.times + 1)
            self._forget_all_of(owned)

    def _forget_all_of(self, owned: Collection[Owned]) -> None:
        self._new = [each for each in self._new if Owned(each[0].subject, each[0].person) not in owned]
        self._forget()

    def _forget_destroyed(self) -> None:
        """Forget the keys that are kept in memory once others have destroyed some: it is looked at now and then."""
        if (now := time.monotonic()) < self._look_again_at or self._belonging is None:
            return
        with self._turn:
            self._look_again_at = now + LOOK_AGAIN_SECONDS
            count = self.kept.erasing().times
            if count != self._erasures:
                if self._erasures >= 0:
                    self._forget()
                self._erasures = count

    def times_forgotten(self) -> int:
        """How often keys were forgotten because some were destroyed, here or by others: what they opened is not to be kept longer."""
        self._forget_destroyed()
        return self._forgotten

    def _forget(self) -> None:
        """Forget what was read, but for keys that are not stored yet."""
        self._forgotten += 1
        waiting = {row.key_id for row, _ in self._new}
        self._of_person = {owner: key for owner, key in self._of_person.items() if key.id in waiting}
        self._of_id = {id_: cipher for id_, cipher in self._of_id.items() if id_ in waiting}
        self._looked_up.clear()

    def close(self) -> None:
        """Close the store of keys."""
        self.kept.close()

    def _look_up(self, subjects: Sequence[str]) -> None:
        if self._belonging is None and not self.kept.exists:
            return
        self.make()
        if len(self._of_id) + len(self._looked_up) > CACHED:
            self._of_person.clear()
            self._of_id.clear()
            self._looked_up.clear()
        for row in self.kept.of_subjects(subjects):
            if self._of_id.get(row.key_id) is None:
                cipher = AESGCM(self._master(row.master_id).unwrap(row.wrapped, _what(row)))
                self._of_id[row.key_id] = cipher
                self._of_person[row.subject, row.person] = DataKey(row.key_id, cipher)
        self._looked_up.update(subjects)

    def _minted(self, subject: str, person: str) -> DataKey:
        key_id, key = secrets.token_urlsafe(12), secrets.token_bytes(KEY_BYTES)
        made = DataKey(key_id, AESGCM(key))
        self._new.append((KeyRow(key_id, subject, person, "", b""), key))
        self._of_person[subject, person], self._of_id[key_id] = made, made.cipher
        return made

    def copy_to(self, target: "Keys") -> None:
        """Let the copy of a store have the keys of the store, unless it has the same ones anyway.

        Raises:
            KeysRefused: The target has the keys of another store, or its master key is another one.
        """
        if not self.kept.exists or (belonging := self.kept.belonging()) is None or self.kept.place == target.kept.place:
            return
        self._take(belonging)
        if not target.master_file.exists():
            master_key.replace(target.master_file, master_key.read(self.master_file))
        target.kept.prepare()
        target.kept.begin(belonging)
        begun = target.kept.belonging()
        assert begun is not None, "what was begun is there"
        target._take(begun)  # noqa: SLF001 - of the same class
        with target.kept.writing():
            target.kept.add(list(self.kept.all()))
            target.kept.destroy(self.kept.fences())

    # --- care ------------------------------------------------------------------------------------------------------
    def rotate(self) -> int:
        """Make a new master key and wrap every key with it, while other processes work; how many keys there were.

        What was interrupted goes on: until the end the file holds the old master key too.
        """
        with self._turn:
            self.make()
            belonging = self.kept.belonging()
            assert belonging is not None
            masters = master_key.read(self.master_file)
            if len(masters) == 1:
                masters = [MasterKey.new(), *masters]
                master_key.replace(self.master_file, masters)
            self._masters = {key.id: key for key in masters}
            newest = masters[0]
            with self.kept.writing():
                assert self._fingerprint_key is not None
                wrapped = newest.wrap(self._fingerprint_key, _FINGERPRINTS)
                self._belonging = Belonging(belonging.store_id, newest.id, newest.id, wrapped)
                self.kept.turn_to(self._belonging)
            count = 0
            while self._rewrapped(newest):
                pass
            count = sum(1 for _ in self.kept.all())
            master_key.replace(self.master_file, [newest])
            return count

    def _rewrapped(self, newest: MasterKey) -> bool:
        """Wrap some of the keys that another master key wraps; whether there were any."""
        with self.kept.writing():
            rows = self.kept.not_wrapped_by(newest.id)
            self.kept.rewrap(
                [
                    row._replace(
                        master_id=newest.id,
                        wrapped=newest.wrap(self._master(row.master_id).unwrap(row.wrapped, _what(row)), _what(row)),
                    )
                    for row in rows
                ]
            )
        return bool(rows)

    def check(self) -> Fit:
        """Whether every key opens with the master key; nothing secret is in the answer.

        Raises:
            KeysRefused: There are no keys yet, or they do not fit at all.
        """
        with self._turn:
            belonging = self.kept.belonging() if self.kept.exists else None
            if belonging is None:
                raise KeysRefused(f"there are no keys in {self.kept.place} yet: run rapport keys init")
            self._take(belonging)
            problems, subjects, people, count = [], set(), set(), 0
            for row in self.kept.all():
                count += 1
                subjects.add(row.subject)
                people.add(row.person)
                try:
                    self._master(row.master_id).unwrap(row.wrapped, _what(row))
                except KeysRefused as error:
                    problems.append(f"key {row.key_id} of {row.subject}: {error}")
            return Fit(
                self.kept.place,
                str(self.master_file),
                belonging.master_id,
                belonging.store_id,
                count,
                len(subjects),
                len(people),
                tuple(problems),
            )


def _what(row: KeyRow) -> str:
    """What a key is wrapped for: it can't be put in the place of another."""
    return f"{row.key_id}\n{row.subject}\n{row.person}"


# --- where keys are ----------------------------------------------------------------------------------------------------
class Places(NamedTuple):
    """Where the keys and the master key of a store are, and whether a missing master key may be made there."""

    keys: str
    master_file: Path
    makes_master: bool


def places(
    keys: str | None, master_file: Path | None, *, store_file: str | None, host: str | None, store_id: Callable[[], str]
) -> Places:
    """Where the keys of a store are: where the settings say, else beside a file, else in the user's data folder.

    `store_file` is the file of a store on SQLite, `host` the server of one on PostgreSQL.

    Raises:
        KeysRefused: The store is on another machine and no place is named.
    """
    beside = None
    if store_file is not None:
        beside = Path(store_file)
    elif host is not None and is_this_machine(host):
        beside = None if keys and master_file else _data_folder() / store_id()
    if keys is None:
        if beside is None:
            raise KeysRefused(
                "RAPPORT_KEYS: name a database for the keys of content, apart from the store, for instance "
                "postgresql://rapport_keys@keys.example.org/rapport_keys; only a store on this machine has a place of its own"
            )
        keys = f"sqlite:///{beside}.keys"
    if master_file is not None:
        return Places(keys, master_file, makes_master=False)
    if keys.startswith("sqlite:"):
        path = SQLiteKeyStore(keys).path
        return Places(keys, Path(f"{path.removesuffix('.keys')}.master-key"), makes_master=True)
    if beside is None:
        raise KeysRefused(
            "RAPPORT_MASTER_KEY_FILE: name the file of the master key; rapport keys init makes it where it is missing"
        )
    return Places(keys, Path(f"{beside}.master-key"), makes_master=True)


def _data_folder() -> Path:
    """The user's data folder of Rapport.

    Raises:
        KeysRefused: It can't be made.
    """
    try:
        return data_folder()
    except OSError as error:
        raise KeysRefused(f"RAPPORT_KEYS: name a place for the keys of content: {error}") from None
