"""NPS by any combination of programme, mentor and month, in a window of whole months, at any time and as known at any time.

What is shown is the same for every question of the same record: the tables by all combinations of keys are settled together,
over all months, and a window shows what follows from them. So no two answers of this module give a small group away.

Another time is another record, which is shown as far as nothing follows from it and today's (`infra.queries.nps_record`).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple, get_args

from domain.calendar import end_of_local_day, local_day, local_month
from domain.nps import HIDDEN, figure, record_that_counts, without_asked
from domain.small_cells import Group, Keys
from domain.terms import in_force, suppression_min, values
from domain.words import Occasion, Respondent
from infra.collector import collecting_seldom
from infra.projection_engine import rows
from infra.projection_engine.engine import Engine
from infra.queries.as_at import TermsThen, UnknownTerms, known_state
from infra.queries.known_then import Since, reader_of, since, whole
from infra.queries.nps_record import EVER, KEYS, MONTH, Beside, By, LastMonths, Record, Tally, Window, month_from
from infra.store import log_reader
from infra.store.session import StoreSession
from projections import nps_responses

ROLES: Final = get_args(Respondent)
OCCASIONS: Final = get_args(Occasion)
Shown = dict[str, Any]
Question = tuple[str, str]
EARLIEST: Final = datetime(1000, 3, 1, tzinfo=UTC)
LATEST: Final = datetime(9999, 12, 29, tzinfo=UTC)
INSTANT: Final = timedelta(microseconds=1)


class WrongWindow(ValueError):
    """A window that is not one of whole months which have begun; the message says why."""


class Moment(NamedTuple):
    """What had occurred, and what had been recorded, by the last end of a month before these times; None: now."""

    as_of: datetime | None = None
    known_at: datetime | None = None


NOW: Final = Moment()


class _Rules(NamedTuple):
    """What a programme says of its figures: the least number of people that is shown, and the time zone of its months."""

    minimum: float
    timezone: str


@collecting_seldom()
def figures(engine: Engine, by: Sequence[By] = (), window: Window = EVER, moment: Moment = NOW) -> list[Shown]:
    """The rows by role, occasion and the keys, in order. Groups that must not be shown have no figures.

    Raises:
        WrongWindow: The window ends before it begins, or one of its months has not begun.
    """
    position = engine.catch_up()
    with engine.database.reading() as session:
        programmes = Programmes(engine, session)
        today, then = _records(engine, session, programmes, moment, position)
    _check(window, engine.clock.now(), programmes)
    keys = tuple(place for place, key in enumerate(KEYS) if key in by)
    found: list[Shown] = []
    engine.watcher.begin("settling which figures may be shown", sum(len(record.cells) for record in then.values()))
    for question in ((role, occasion) for role in ROLES for occasion in OCCASIONS):
        record = then.get(question)
        if record is None:
            continue
        table = record.table(keys, window)
        shown, asked = record.shown(keys, window), record.asked_of(keys, window)
        if moment != NOW:
            beside = Beside(today.get(question, Record()), keys, window, programmes.last_months(moment))
            shown = {group for group in shown if beside.shows(group)}
            asked = {group for group in asked if beside.shows_asked(group)}
        found += (
            _row(question, keys, group, tally, is_shown=group in shown, with_asked=group in asked)
            for group, tally in sorted(table.items())
        )
        engine.watcher.done(len(record.cells))
    return found


def _row(question: Question, keys: Keys, group: Group, tally: Tally, *, is_shown: bool, with_asked: bool) -> Shown:
    promoters, passives, detractors = tally.counts
    figures = figure(promoters, passives, detractors, tally.asked, len(tally.people)) if is_shown else HIDDEN
    figures = figures if with_asked else without_asked(figures)
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


@lru_cache(maxsize=256)
def last_end_of_month(at: datetime, timezone: str) -> datetime:
    """The last instant of the latest month that had ended by a time in a time zone."""
    day = local_day(_within_reach(at), timezone)
    return end_of_local_day(day.replace(day=1) - timedelta(days=1), timezone) - INSTANT


def _within_reach(at: datetime) -> datetime:
    """A time, or one near the end of the calendar where its day in some time zone, or the month before, would lie beyond it."""
    return min(max(at, EARLIEST), LATEST)


def _last_month(at: datetime, timezone: str) -> str:
    return month_from(local_month(_within_reach(at), timezone), -1)


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

    def last_months(self, moment: Moment) -> LastMonths:
        """The last month that had ended by a moment, in each programme that was asked for."""
        zones = {name: rules.timezone for name, rules in self._known.items() if rules is not None}
        times = [time for time in moment if time is not None]
        occurred = {name: min(_last_month(time, zone) for time in times) for name, zone in zones.items()}
        known_at = moment.known_at
        known = {} if known_at is None else {name: _last_month(known_at, zone) for name, zone in zones.items()}
        return LastMonths(occurred, known)

    def _read(self, programme: str) -> _Rules | None:
        try:
            terms = values(in_force(self._terms.of(programme).settings, self.engine.clock.now()))
            return _Rules(suppression_min(terms), self._terms.timezone(programme))
        except UnknownTerms as error:
            self.engine.watcher.note(f"the answers of programme {programme} are left out: {error}")
            return None


# --- what counts ---------------------------------------------------------------------------------------------------
Records = dict[Question, Record]


def _records(
    engine: Engine, session: StoreSession, programmes: Programmes, moment: Moment, position: int
) -> tuple[Records, Records]:
    """What counts today, and what counted at a moment; the same where the moment is now. Datasets are those of a position."""
    now = engine.clock.now()
    today: Records = {}
    then: Records = {}
    believed = _Believed(engine, session, position)
    for subject, state, stale_since in rows.states(session, engine.projections, nps_responses.PROJECTION):
        rules = programmes.of(state.programme_id)
        if rules is None:
            continue
        _add(today, state, rules, now, None, with_told=moment.known_at is not None)
        if moment == NOW:
            continue
        as_of, known_at = (time and last_end_of_month(time, rules.timezone) for time in moment)
        # A stream that is held up is shown as its rows are.
        known = state if known_at is None or stale_since is not None else believed.at(subject, state, known_at)
        if known is not None:
            _add(then, known, rules, as_of, known_at)
    return today, (today if moment == NOW else then)


def _add(
    records: Records,
    state: nps_responses.State,
    rules: _Rules,
    as_of: datetime | None,
    known_at: datetime | None,
    *,
    with_told: bool = False,
) -> None:
    for question, history in state.records.items():
        counts = record_that_counts(history, as_of, known_at)
        if counts is not None:
            group = state.programme_id, state.mentor_id, local_month(counts.at, rules.timezone)
            record = records.setdefault(question, Record())
            record.add(group, counts, rules.minimum)
            if with_told:
                told = max(group[MONTH], local_month(counts.recorded_at, rules.timezone))
                record.tell((*group, told), counts, rules.minimum)


class _Believed:
    """What was known of relationships. A fact that was corrected later is not in their states any more, so these are folded anew."""

    def __init__(self, engine: Engine, session: StoreSession, position: int) -> None:
        self.engine, self.session, self.position = engine, session, position
        self._reader = reader_of(engine.store, nps_responses.PROJECTION)
        self._since: dict[datetime, Since] = {}

    def at(self, subject: str, state: nps_responses.State, known_at: datetime) -> nps_responses.State | None:
        """What had been recorded by a time, and maybe more that says when it was; None: nothing. `state` is what is known today."""
        if known_at not in self._since:
            self._since[known_at] = since(self.engine, self.session, nps_responses.PROJECTION, known_at, self.position)
        later = self._since[known_at]
        if subject not in later.refolded:
            return state
        entries = log_reader.stream(self.session, self._reader, subject, later.until)
        with_all = partial(whole, self.engine.store, self.session, subject, later.until)
        found = known_state(nps_responses.PROJECTION, entries, known_at, with_all)
        return state if found.stale_since is not None else found.state
