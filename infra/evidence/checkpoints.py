"""Checkpoints of the tree: made, kept outside the database, read again and held against the record.

None is signed that does not follow from the newest one that is kept: the log never takes part in a fork of itself.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from infra.evidence import signing_key, stamps
from infra.evidence.log_tree import TreeReader
from infra.evidence.note import BadNote, Checkpoint, Note, Signer, Verifier, checkpoint
from infra.evidence.stamps import Stamp
from infra.evidence.wrong import TREE, Wrong
from infra.store.errors import StoreError
from infra.store.log import EventStore
from infra.whole_file import beside, put, save

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from infra.settings import Settings

SUFFIX: Final = ".checkpoint"
# Names sort as sizes do.
DIGITS: Final = 12
logger = logging.getLogger("rapport.evidence")


class Refused(StoreError):
    """A checkpoint can't be made, read or trusted; the message says why."""


class Kept(NamedTuple):
    """A checkpoint that was read, and where it was."""

    file: Path
    raw: bytes
    checkpoint: Checkpoint
    stamp: Stamp | None = None


class Checkpoints:
    """The checkpoints of one store: its key, and the place where they are kept, if the settings name one."""

    def __init__(self, store: EventStore, settings: "Settings", say: Callable[[str], None] = lambda _: None) -> None:
        self.store, self.place = store, settings.checkpoints
        self._named, self._say = settings.signing_key_file, say
        self._seconds = settings.checkpoint_seconds
        self._stamped_by, self._roots_file = settings.timestamp_url, settings.timestamp_roots

    @cached_property
    def origin(self) -> str:
        """What checkpoints call the store."""
        return signing_key.origin_of(self.store.id)

    @property
    def key_file(self) -> Path:
        """The file of the signing key.

        Raises:
            KeyRefused: The store is on another machine and no file is named.
        """
        file = self._named or signing_key.default_place(self.store.database, self.store.id)
        if file is None:
            raise signing_key.KeyRefused(
                f"{signing_key.SETTING}: name a file for the key that signs checkpoints; only a store on this machine has a "
                "place of its own"
            )
        return file

    def signer(self) -> Signer:
        """The key, made at first use. Raises `KeyRefused`."""
        return signing_key.read_or_make(self.key_file, self.origin, self._say)

    def verifier(self) -> Verifier:
        """The public key. Raises `KeyRefused` where there is no key yet."""
        return signing_key.read(self.key_file, self.origin).verifier

    def verifier_or_made(self) -> Verifier:
        """The public key; where checkpoints are signed here, it is made at first use. Raises `KeyRefused`."""
        return self.signer().verifier if self.place is None else self.verifier()

    def make(self) -> Kept | None:
        """Sign a checkpoint of the tree as it is now and keep it; None where the settings name no place for it.

        Raises:
            KeyRefused: There is no key to sign with.
            Refused: The tree does not follow from the newest checkpoint that is kept, or it can't be kept.
        """
        return None if self.place is None else self.keep(self.signed())

    def keep(self, note: Note) -> Kept:
        """Keep a signed checkpoint where the settings say. Raises `Refused`."""
        assert self.place is not None, "the settings name a place"
        file = _file_in(self.place, note)
        self.write(file, note)
        return Kept(file, bytes(note), Checkpoint.of(note))

    def write(self, file: Path, note: Note) -> None:
        """Write a checkpoint to a file, and its time stamp beside it where the settings name an authority. Raises `Refused`."""
        stamped = stamps.file_of(file)
        with suppress(OSError):
            # That of the checkpoint before it.
            stamped.unlink(missing_ok=True)
        write(file, bytes(note))
        if (stamp := self.stamp(note)) is not None:
            write(stamped, stamp)

    def stamp(self, note: Note) -> bytes | None:
        """The time stamp on a checkpoint; None where the settings name no authority, or it gives none, which is said."""
        if self._stamped_by is None:
            return None
        try:
            return stamps.ask(self._stamped_by, bytes(note))
        except stamps.NoStamp as error:
            self._say(str(error))
            logger.warning("a checkpoint has no time stamp: %s", error)
            return None

    def roots(self) -> "Sequence[Certificate]":
        """The certificates by which time stamps are trusted. Raises `NoStamp`."""
        return stamps.read_roots(self._roots_file) if self._roots_file is not None else ()

    def signed(self) -> Note:
        """A signed checkpoint of the tree as it is now. Raises `KeyRefused` and `Refused`."""
        signer = self.signer()
        newest = self.newest()
        with self.store.database.reading() as session:
            reader = TreeReader(session)
            if newest is not None and (problem := _differs(reader, newest)) is not None:
                raise Refused(f"no checkpoint is signed: {problem}")
            made = Checkpoint(self.origin, reader.size, reader.frontier.root())
        return signer.signed(made.note)

    def newest(self) -> Kept | None:
        """The newest checkpoint of this store that is kept. Raises `Refused` and `KeyRefused`."""
        found = [] if self.place is None else files(self.place)
        return read(found[-1], self.origin, [self.verifier()]) if found else None

    def kept(self, verifiers: Iterable[Verifier]) -> list[Kept]:
        """All checkpoints that are kept where the settings say. Raises `Refused`."""
        return [] if self.place is None else read_all(self.place, self.origin, list(verifiers))

    def follow(self, stop: threading.Event) -> None:
        """Keep a checkpoint every so many seconds, as long as the tree grows; what goes wrong is logged and tried again."""
        size, last_error = -1, ""
        while True:
            try:
                with self.store.database.reading() as session:
                    now = TreeReader(session).size
                if now != size:
                    self.make()
                    size = now
                last_error = ""
            except StoreError as error:
                if str(error) != last_error:
                    logger.warning("no checkpoint was made: %s", error)
                last_error = str(error)
            if stop.wait(self._seconds):
                return


def files(place: str) -> list[Path]:
    """The files of checkpoints at a place, the smallest tree first."""
    path = Path(place)
    if path.is_dir():
        return sorted(path.glob(f"*{SUFFIX}"))
    return [path] if path.exists() else []


def read_all(place: str, origin: str | None, verifiers: list[Verifier]) -> list[Kept]:
    """The checkpoints at a place, all signed by these keys.

    Raises:
        Refused: One can't be read, is of another store, or is not signed by one of the keys.
    """
    return [read(file, origin, verifiers) for file in files(place)]


def read(file: Path, origin: str | None, verifiers: Iterable[Verifier], roots: "Sequence[Certificate]" = ()) -> Kept:
    """A checkpoint in a file, of this origin (None: of any), signed by these keys, with the time stamp beside it.

    Raises:
        Refused: It can't be read, is of another store, or is not signed by one of the keys.
    """
    try:
        raw = file.read_bytes()
        found = checkpoint(raw, verifiers)
    except OSError as error:
        raise Refused(f"the checkpoint {file} can't be read: {error.strerror}") from None
    except BadNote as error:
        raise Refused(f"the checkpoint {file} can't be trusted: {error}") from None
    if origin is not None and found.origin != origin:
        raise Refused(f"the checkpoint {file} is of {found.origin}, and this store is {origin}")
    return Kept(file, raw, found, _stamp_beside(file, raw, roots))


def _stamp_beside(file: Path, raw: bytes, roots: "Sequence[Certificate]") -> Stamp | None:
    try:
        stamp = stamps.file_of(file).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refused(f"the time stamp of the checkpoint {file} can't be read: {error.strerror}") from None
    try:
        return stamps.read(stamp, raw, roots)
    except stamps.NoStamp as error:
        raise Refused(f"the checkpoint {file}: {error}") from None


class Held(NamedTuple):
    """Checkpoints to hold a tree against: those that can be trusted, what is wrong with others, what was left out and why."""

    kept: list[Kept]
    problems: list[Wrong]
    skipped: list[str]

    @property
    def sizes(self) -> list[int]:
        """The sizes of the trees."""
        return [each.checkpoint.size for each in self.kept]

    @property
    def newest(self) -> Checkpoint | None:
        """The checkpoint of the largest tree."""
        return max((each.checkpoint for each in self.kept), key=lambda each: each.size, default=None)

    @property
    def stamp(self) -> Stamp | None:
        """The time stamp of the largest tree that has one."""
        stamped = [each for each in self.kept if each.stamp is not None]
        return max(stamped, key=lambda each: each.checkpoint.size).stamp if stamped else None


def gathered(checkpoints: Checkpoints, named: Iterable[Path], key: Verifier | None) -> Held:
    """The checkpoints in the files and folders named, and those that the settings name.

    Raises:
        KeyRefused: Some are named, and there is no key to trust them by.
        NoStamp: The root certificates of time stamps can't be read.
    """
    found = Held([], [], [])
    verifiers = [key] if key is not None else []
    named = [file for place in named for file in files(str(place))]
    if named and not verifiers:
        verifiers = [checkpoints.verifier()]
    usual = [] if checkpoints.place is None else files(checkpoints.place)
    if usual and not verifiers:
        try:
            verifiers = [checkpoints.verifier()]
        except signing_key.KeyRefused as error:
            found.skipped.append(f"the checkpoints in {checkpoints.place} were not compared: {error}")
            usual = []
    roots = checkpoints.roots()
    for file in [*named, *usual]:
        try:
            found.kept.append(read(file, checkpoints.origin, verifiers, roots))
        except Refused as error:
            found.problems.append(Wrong(TREE, 0, str(error)))
    return found


def differences(kept: Iterable[Kept], size: int, roots: Mapping[int, bytes]) -> Iterable[Wrong]:
    """What is wrong with a tree of this size, which had these roots, given checkpoints of it."""
    for each in kept:
        if each.checkpoint.size > size:
            yield Wrong(TREE, 0, _shorter(each, size))
        elif roots[each.checkpoint.size] != each.checkpoint.root:
            yield Wrong(TREE, 0, _other(each))


def _differs(reader: TreeReader, kept: Kept) -> str | None:
    """Why a tree does not follow from a checkpoint, or None. Raises `DamagedStore`."""
    if kept.checkpoint.size > reader.size:
        return _shorter(kept, reader.size)
    return None if reader.root(kept.checkpoint.size) == kept.checkpoint.root else _other(kept)


def _shorter(kept: Kept, size: int) -> str:
    return (
        f"the tree has {size} leaves, and the checkpoint {kept.file} is of {kept.checkpoint.size}: events or receipts "
        "that were recorded are gone"
    )


def _other(kept: Kept) -> str:
    return (
        f"the first {kept.checkpoint.size} leaves of the tree are not those of the checkpoint {kept.file}: what was recorded "
        "before it has been changed"
    )


def _file_in(place: str, note: Note) -> Path:
    """The file of a checkpoint at a place: itself, or one in the folder that it names."""
    file = Path(place)
    if place.endswith(os.sep) or file.is_dir():
        file /= f"{Checkpoint.of(note).size:0{DIGITS}}{SUFFIX}"
    return file


def write(file: Path, raw: bytes) -> None:
    """Let a file have these bytes; at every moment it has the old ones or the new ones. Makes its folder. Raises `Refused`."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with beside(file) as out:
            out.write(raw)
            # Checkpoints are no secret: others are to hold the record against them.
            os.fchmod(out.fileno(), 0o644)
            save(out)
            put(out, file)
    except OSError as error:
        raise Refused(f"the checkpoint {file} can't be written: {error.strerror}") from None
