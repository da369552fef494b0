"""The parts of an audit, each of which can be done by itself: here, or in another process that sees the same moment.

A part says what is to be done, in words that can be sent to another process; `Workshop` does it on one state of the database.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, NamedTuple, Protocol

from infra.collector import collecting_seldom
from infra.evidence.streams import Range, StreamsVerdict, audit_streams
from infra.evidence.tree_audit import TreeVerdict, audit_leaves_of, audit_tree
from infra.projection_engine import check
from infra.projection_engine.engine import Engine
from infra.projection_engine.parallel_build import bundles
from infra.store.errors import StoreError, UnreadableText
from infra.store.log import EventStore
from infra.worker_runtime.replay import ALL, Share
from infra.worker_runtime.verify import Problem
from infra.worker_runtime.verify import verify as verify_decisions

Advance = Callable[[int], None]
# Events in one part at least: reading others' states anew and starting a query cost something.
LEAST: Final = 2_000
# Parts for each process: so many that all end at about the same time.
EACH: Final = 24
NOWHERE: Final = Range("", "")


def unheard(_: int) -> None:
    """Nobody hears how far it is."""


class Tree(NamedTuple):
    """The tree and the receipts, of the whole log or of one subject."""

    subject: str | None
    sizes: Collection[int]


class Streams(NamedTuple):
    """The streams of a range, one subject's, or all."""

    of: Range | str | None
    events: int = 0


class Decisions(NamedTuple):
    """What the workers decided, about one subject, a share of the keys, or all."""

    subject: str | None
    share: Share = ALL


class Rows(NamedTuple):
    """The rows of the datasets about the streams of a range, one subject's, or all; `summed`: and the summaries."""

    of: Range | str | None
    events: int = 0
    summed: bool = True


Part = Tree | Streams | Decisions | Rows


Found = TreeVerdict | StreamsVerdict | list[Problem] | list[check.Wrong]


class Failed(NamedTuple):
    """That a part failed: over a value that is none for its column, or, where it rests on a whole record, because the record is not."""

    error: str


class Unread(NamedTuple):
    """What a part found, reading marks in the place of texts that can't be read."""

    found: Any


class Plan(NamedTuple):
    """The parts of the record, and those which make sense only if it is whole."""

    tree: Tree
    streams: Sequence[Streams]
    decisions: Sequence[Decisions]
    rows: Sequence[Rows]


class Work(Protocol):
    """Does parts, in whatever order; the answers are in the order of the parts."""

    def __call__(self, parts: Sequence[Part], advance: Advance) -> list[Any]: ...


def plan(store: EventStore, subject: str | None, sizes: Collection[int], processes: int) -> Plan:
    """What there is to do, in as many parts as suit so many processes."""
    tree = Tree(subject, sizes)
    if subject is not None or processes == 1:
        return Plan(tree, [Streams(subject)], [Decisions(subject)], [Rows(subject)])
    with store.database.reading() as session:
        [(total,)] = session.query("SELECT COUNT(*) FROM stored_events")
        cut = bundles(session, "", max(LEAST, total // (EACH * processes)))
    ranges = [(Range(each.after, each.last), each.events) for each in cut]
    # The workers' replay takes about half of all the time, and each share of it has to go through the whole log.
    shares = (processes + 1) // 2
    return Plan(
        tree,
        [Streams(*each) for each in ranges],
        [Decisions(None, Share(number, shares)) for number in range(shares)],
        [Rows(NOWHERE), *(Rows(*each, summed=False) for each in ranges)],
    )


class Workshop:
    """Does parts on one state of the database, one after the other."""

    def __init__(self, store: EventStore, engine: Engine) -> None:
        self.store = store
        self.engine = Engine(store, engine.clock, watcher=engine.watcher, prepare_shown=engine.prepare_shown)

    def __call__(self, parts: Sequence[Part], advance: Advance) -> list[Any]:
        return [self.attempt(part, advance) for part in parts]

    def do(self, part: Part, advance: Advance = unheard) -> Found | Unread:
        """What a part found. Where it meets a text that can't be read it is done once more, and so are the next parts, with marks there."""
        with collecting_seldom():
            try:
                return self._done(part, advance)
            except UnreadableText:
                self.read_any_text()
                return Unread(self._done(part, unheard))

    def read_any_text(self) -> None:
        """From now on let no text that can't be read end a part."""
        with self.store.database.reading() as session:
            session.read_any_text()

    def attempt(self, part: Part, advance: Advance = unheard) -> Found | Unread | Failed:
        """What a part found, or that it `Failed`. Raises `StoreError` where the record itself can't be read."""
        try:
            return self.do(part, advance)
        except Exception as error:
            if isinstance(part, Tree | Streams) and isinstance(error, StoreError):
                raise
            return Failed(f"{type(error).__name__}: {error}")

    def _done(self, part: Part, advance: Advance) -> Found:
        match part:
            case Tree(subject, sizes):
                with self.store.database.reading() as session:
                    if subject is None:
                        return audit_tree(session, sizes)
                    return audit_leaves_of(session, subject, sizes)
            case Streams(of):
                return audit_streams(self.store, of, advance)
            case Decisions(subject, share):
                return verify_decisions(self.store, subject, advance, share)
            case Rows(of, _, summed):
                only = of if isinstance(of, str) else None
                within = of if isinstance(of, Range) else None
                checked = check.check(
                    self.engine, all_streams=True, only=only, within=within, summed=summed, catch_up=False
                )
                return checked.wrong
