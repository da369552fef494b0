"""What can go wrong with a store, in words for a person. The command line prints the message and exits 1 (a wrong URL: 2)."""

from traceback import clear_frames


class StoreError(Exception):
    """The store can't do what was asked; the message says why and what to do. Nothing was written."""


class UnknownStore(StoreError):
    """The store's URL names a kind of database that Rapport doesn't know, or no database at all."""


class NewerStore(StoreError):
    """The database was written by a newer Rapport than this one."""


class OlderStore(StoreError):
    """The database was written by an older Rapport, in a format that this one does not read any more."""


class DamagedStore(StoreError):
    """The database file is truncated, corrupt, or not a database."""


class UnreadableText(DamagedStore):
    """A value that is kept as a text is none: its bytes are not UTF-8. Only SQLite keeps such."""


class FullStore(StoreError):
    """The disk is full or the file may not grow."""


class MissingStore(StoreError):
    """The file of the store was removed, or another put in its place, while it was open: what is written now would be lost."""


class ForeignStore(StoreError):
    """The database belongs to somebody else: it has tables and they are not Rapport's. Nothing of it was changed."""


class ReadOnlyStore(StoreError):
    """The store can be read and not written: a file or folder without the right to write, a standby, a login without the right."""


class BusyStore(StoreError):
    """Somebody else kept the database locked for longer than the time-out."""


class UnreachableStore(StoreError):
    """The server can't be reached, or the connection broke.

    Whether a transaction that was being committed took effect is then unknown; messages may be sent again, for those that
    were recorded answer `duplicate`.
    """


class Conflict(StoreError):
    """Somebody else wrote first: a version, a message id or an offset is taken. Load again and decide again."""


class Unstorable(StoreError):
    """The database refuses a value itself, and will do so however often it is tried: others can be stored."""


class FencedSource(StoreError):
    """The offset of a source is ahead already or belongs to a newer consumer: this one has lost its source."""


class UnknownEvent(StoreError):
    """An event has a name or version that this Rapport doesn't know: a newer one wrote it. It is never skipped."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        super().__init__(f"the event {topic!r} is unknown here: a newer Rapport wrote it")


class DamagedEvent(StoreError):
    """An event's stored bytes are not what its name and version promise."""


def told_to_people(found: StoreError, error: BaseException) -> StoreError:
    """What was found to be meant by an error of a driver, to be raised from it.

    A conflict is usual, and nobody asks what was in the frames that it came through. Those of the drivers have the error in turn: each
    conflict would keep the batch that failed until somebody looks for cycles, so they are emptied.
    """
    if isinstance(found, Conflict):
        cause: BaseException | None = error
        while cause is not None:
            clear_frames(cause.__traceback__)
            cause = cause.__cause__ or cause.__context__
    return found
