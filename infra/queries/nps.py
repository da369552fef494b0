"""NPS by any combination of programme, mentor and month, in a window of whole months, at any time and as known at any time.

What is shown is the same for every question of the same record: the tables by all combinations of keys are settled together,
over all months, and a window shows what follows from them. So no two answers of this module give a small group away.

Another time is another record. Where a group's answers are the same as in today's, what today's hides is hidden there too.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple, get_args

from domain.calendar import end_of_local_day, local_day, local_month
from domain.nps import HIDDEN, PLACES, Counted, counted, figure, kind_of
from domain.relationship.events import FactCorrected
from domain.small_cells import Cell, Figure, Group, Keys, Suppression, part
from domain.terms import in_force, suppression_min, values
from domain.words import Occasion, Respondent
from infra.projection_engine import rows
from infra.projection_engine.engine import Engine
from infra.queries.as_at import END, TermsThen, UnknownTerms, folded
from infra.store import log_reader
from infra.store.session import StoreSession
from projections import nps_responses

By = Literal["programme", "mentor", "month"]
KEYS: Final[tuple[By, ...]] = get_args(By)
PROGRAMME, MENTOR, MONTH = range(3)
# In the order of preference: totals and programmes, then months, then mentors.
TABLES: Final[tuple[Keys, ...]] = (
    (),
    (PROGRAMME,),
    (MONTH,),
    (PROGRAMME, MONTH),
    (MENTOR,),
    (PROGRAMME, MENTOR),
    (MENTOR, MONTH),
    (PROGRAMME, MENTOR, MONTH),
)
ROLES: Final = get_args(Respondent)
OCCASIONS: Final = get_args(Occasion)
Shown = dict[str, Any]
Question = tuple[str, str]
EARLIEST: Final = datetime(1000, 3, 1, tzinfo=UTC)
LATEST: Final = datetime(9999, 12, 29, tzinfo=UTC)
INSTANT: Final = timedelta(microseconds=1)
_CORRECTION: Final = FactCorrected.__name__


class WrongWindow(ValueError):
    """A window that is not one of whole months which have begun; the message says why."""


class Window(NamedTuple):
    """From a month to another, both included, as YYYY-MM. An open end is no boundary: nothing lies beyond it."""

    first: str | None = None
    last: str | None = None

    def holds(self, month: str) -> bool:
        """Whether a month is in it."""
        return (self.first is None or month >= self.first) and (self.last is None or month <= self.last)

    def up_to(self, month: str) -> "Window":
        """As much of it as ends with a month."""
        return self._replace(last=month if self.last is None else min(self.last, month))

    def beside_its_boundaries(self) -> set[str]:
        """The months by which a window that ends a month sooner or later, or begins so, differs from it."""
        first = set() if self.first is None else {self.first, _month_from(self.first, -1)}
        return first if self.last is None else first | {self.last, _month_from(self.last, 1)}


EVER: Final = Window()


class Moment(NamedTuple):
    """What had occurred, and what had been recorded, by the last end of a month before these times; None: now."""

    as_of: datetime | None = None
    known_at: datetime | None = None


NOW: Final = Moment()


class _Rules(NamedTuple):
    """What a programme says of its figures: the least number of people that is shown, and the time zone of its months."""

    minimum: float
    timezone: str


class _Tally:
    """Counts of one group: promoters, passives, detractors; asked; who answered; how many people a figure needs."""

    __slots__ = ("asked", "counts", "minimum", "people")

    def __init__(self) -> None:
        self.counts = [0, 0, 0]
        self.asked = 0
        self.people: set[str] = set()
        self.minimum: float = 0

    def add(self, counts: Counted, minimum: float) -> None:
        self.asked += 1
        self.minimum = max(self.minimum, minimum)
        if counts.score is not None:
            assert counts.by is not None, "an answer has somebody who gave it"
            self.counts[PLACES[kind_of(counts.score)]] += 1
            self.people.add(counts.by)

    def take_in(self, other: "_Tally") -> None:
        self.counts = [one + more for one, more in zip(self.counts, other.counts, strict=True)]
        self.asked += other.asked
        self.people |= other.people
        self.minimum = max(self.minimum, other.minimum)

    def has_answers_of(self, other: "_Tally") -> bool:
        return self.counts == other.counts and self.people == other.people


class _Record:
    """What counts of all answers to one question, by programme, mentor and month, and what of it may be shown."""

    def __init__(self) -> None:
        self.cells: dict[Group, _Tally] = {}
        self._suppression: Suppression | None = None

    def add(self, group: Group, counts: Counted, minimum: float) -> None:
        self.cells.setdefault(group, _Tally()).add(counts, minimum)

    @property
    def suppression(self) -> Suppression:
        if self._suppression is None:
            cells = {group: Cell(frozenset(tally.people), tally.minimum) for group, tally in self.cells.items()}
            self._suppression = Suppression(cells, TABLES, MONTH)
        return self._suppression

    def table(self, keys: Keys, window: Window) -> dict[Group, _Tally]:
        """The groups by some keys that have something in a window."""
        found: dict[Group, _Tally] = {}
        for group, tally in self.cells.items():
            if window.holds(group[MONTH]):
                found.setdefault(part(group, keys), _Tally()).take_in(tally)
        return found

    def shown(self, keys: Keys, window: Window) -> set[Group]:
        """The groups by some keys that may be shown in a window.

        A group that is hidden in a month is hidden in each window that differs from another by that month alone. Beyond that
        a window shows what follows from the figures of all months: it gives nothing away that they don't. Figures over the same
        cells are one figure in a window too: where one of them is hidden, so are the others.
        """
        if window == EVER:
            return {group for table, group in self.suppression.shown if table == keys}
        beside = window.beside_its_boundaries()
        closed: set[frozenset[Group]] = set()
        for table in TABLES:
            if MONTH not in table:
                hidden = {
                    part(group, table)
                    for group, tally in self.cells.items()
                    if tally.people and group[MONTH] in beside and not self._in_month(table, group)
                }
                closed |= {cells for value, cells in self._answered(table, window).items() if value in hidden}
        return {
            value
            for value, cells in self._answered(keys, window).items()
            if cells not in closed and self._enough(cells) and self.suppression.follows(cells)
        }

    def _answered(self, keys: Keys, window: Window) -> dict[Group, frozenset[Group]]:
        """The cells with answers of each group by some keys in a window."""
        found: dict[Group, list[Group]] = {}
        for group, tally in self.cells.items():
            if tally.people and window.holds(group[MONTH]):
                found.setdefault(part(group, keys), []).append(group)
        return {value: frozenset(groups) for value, groups in found.items()}

    def _in_month(self, keys: Keys, group: Group) -> bool:
        """Whether the figure of a group by some keys is shown for the month of a cell."""
        with_month = (*keys, MONTH)
        return Figure(with_month, part(group, with_month)) in self.suppression.shown

    def _enough(self, groups: Iterable[Group]) -> bool:
        tallies = [self.cells[group] for group in groups]
        people = frozenset().union(*(tally.people for tally in tallies))
        return len(people) >= max(tally.minimum for tally in tallies)


def figures(engine: Engine, by: Sequence[By] = (), window: Window = EVER, moment: Moment = NOW) -> list[Shown]:
    """The rows by role, occasion and the keys, in order. Groups that must not be shown have no figures.

    Raises:
        WrongWindow: The window ends before it begins, or one of its months has not begun.
    """
    engine.catch_up()
    with engine.database.reading() as session:
        programmes = Programmes(engine, session)
        today, then = _records(engine, session, programmes, moment)
    _check(window, engine.clock.now(), programmes)
    # Another time ends the window: what came later is for other windows.
    seen = window if moment == NOW else window.up_to(programmes.last_month(moment))
    keys = tuple(place for place, key in enumerate(KEYS) if key in by)
    found: list[Shown] = []
    for question in ((role, occasion) for role in ROLES for occasion in OCCASIONS):
        record = then.get(question)
        if record is None:
            continue
        table = record.table(keys, window)
        shown = record.shown(keys, window)
        if record is not today.get(question):
            shown &= _alike(table, today.get(question, _Record()), keys, (window, seen))
        found += (_row(question, keys, group, tally, is_shown=group in shown) for group, tally in sorted(table.items()))
    return found


def _alike(table: Mapping[Group, _Tally], today: _Record, keys: Keys, windows: tuple[Window, Window]) -> set[Group]:
    """The groups of another time that today's record does not hide: it shows them, or has other answers of them.

    `windows` are the one that was asked for, which shows a group where nothing came later, and the same up to that time.
    """
    found: set[Group] = set()
    for window, otherwise in zip(windows, (False, True), strict=True):
        now, shown = today.table(keys, window), today.shown(keys, window)
        for group, tally in table.items():
            same = group in now and now[group].has_answers_of(tally)
            if group in shown if same else otherwise:
                found.add(group)
    return found


def _row(question: Question, keys: Keys, group: Group, tally: _Tally, *, is_shown: bool) -> Shown:
    promoters, passives, detractors = tally.counts
    figures = figure(promoters, passives, detractors, tally.asked, len(tally.people)) if is_shown else HIDDEN
    named = {str(KEYS[key]): value for key, value in zip(keys, group, strict=True)}
    return {
        "role": question[0],
        "occasion": question[1],
        **named,
        **figures._asdict(),
        "suppressed": not is_shown,
    }


# --- windows and months --------------------------------------------------------------------------------------------
def _check(window: Window, now: datetime, programmes: "Programmes") -> None:
    if window.first is not None and window.last is not None and window.first > window.last:
        raise WrongWindow(f"the window ends in {window.last}, before it begins in {window.first}: swap the two")
    running = max(local_month(now, zone) for zone in {"UTC", *programmes.timezones()})
    for month in window:
        if month is not None and month > running:
            raise WrongWindow(
                f"{month} has not begun: a window takes months that have ended, and the running one ({running})"
            )


def _month_from(month: str, months: int) -> str:
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + months, 12)
    return f"{year:04}-{number + 1:02}"


def last_end_of_month(at: datetime, timezone: str) -> datetime:
    """The last instant of the latest month that had ended by a time in a time zone."""
    day = local_day(_within_reach(at), timezone)
    return end_of_local_day(day.replace(day=1) - timedelta(days=1), timezone) - INSTANT


def _within_reach(at: datetime) -> datetime:
    """A time, or one near the end of the calendar where its day in some time zone, or the month before, would lie beyond it."""
    return min(max(at, EARLIEST), LATEST)


class Programmes:
    """What programmes say of their figures today: the minimum of today counts for the past as well."""

    def __init__(self, engine: Engine, session: StoreSession) -> None:
        self.engine = engine
        self._terms = TermsThen.known_at(session, log_reader.LogReader(engine.store.mapper), None)
        self._known: dict[str, _Rules | None] = {}

    def of(self, programme: str) -> _Rules | None:
        """What a programme says; None where its events can't be read."""
        if programme not in self._known:
            self._known[programme] = self._read(programme)
        return self._known[programme]

    def timezones(self) -> set[str]:
        """The time zones of the programmes that were asked for."""
        return {rules.timezone for rules in self._known.values() if rules is not None}

    def last_month(self, moment: Moment) -> str:
        """The last month that had ended by a moment, in some programme."""
        at = _within_reach(min(time for time in moment if time is not None))
        return max(_month_from(local_month(at, zone), -1) for zone in {"UTC", *self.timezones()})

    def _read(self, programme: str) -> _Rules | None:
        try:
            terms = values(in_force(self._terms.of(programme).settings, self.engine.clock.now()))
            return _Rules(suppression_min(terms), self._terms.timezone(programme))
        except UnknownTerms as error:
            self.engine.watcher.note(f"the answers of programme {programme} are left out: {error}")
            return None


# --- what counts ---------------------------------------------------------------------------------------------------
Records = dict[Question, _Record]


def _records(engine: Engine, session: StoreSession, programmes: Programmes, moment: Moment) -> tuple[Records, Records]:
    """What counts today, and what counted at a moment; the same where the moment is now."""
    now = engine.clock.now()
    today: Records = {}
    then: Records = {}
    believed = _believed_then(engine, session, programmes, moment.known_at)
    for subject, state, _ in rows.states(session, engine.projections, nps_responses.PROJECTION):
        rules = programmes.of(state.programme_id)
        if rules is None:
            continue
        _add(today, state, rules, now, None)
        if moment != NOW and (known := believed.get(subject, state)) is not None:
            times = (time and last_end_of_month(time, rules.timezone) for time in moment)
            _add(then, known, rules, *times)
    return today, (today if moment == NOW else then)


def _add(
    records: Records, state: nps_responses.State, rules: _Rules, as_of: datetime | None, known_at: datetime | None
) -> None:
    for question, history in state.records.items():
        counts = counted(history, as_of, known_at)
        if counts is not None:
            group = state.programme_id, state.mentor_id, local_month(counts.at, rules.timezone)
            records.setdefault(question, _Record()).add(group, counts, rules.minimum)


def _believed_then(
    engine: Engine, session: StoreSession, programmes: Programmes, known_at: datetime | None
) -> dict[str, nps_responses.State | None]:
    """What was known of relationships whose facts were corrected later: their states don't have it any more."""
    if known_at is None:
        return {}
    reader = log_reader.LogReader(engine.store.mapper)
    corrected = session.query("SELECT DISTINCT originator_id FROM stored_events WHERE topic = ?", (_CORRECTION,))
    found = {}
    for (subject,) in corrected:
        entries = log_reader.stream(session, reader, subject, END)
        if any(entry.error is not None for entry in entries):
            # Held up, as its rows are.
            continue
        state = folded(nps_responses.PROJECTION, entries)
        rules = None if state is None else programmes.of(state.programme_id)
        if rules is not None:
            until = last_end_of_month(known_at, rules.timezone)
            known = [entry for entry in entries if entry.recorded is not None and entry.recorded.recorded_at <= until]
            found[subject] = folded(nps_responses.PROJECTION, log_reader.effective_entries(known))
    return found
