"""NPS by any combination of programme, mentor and month, within a window of time, at any time and as known at any time."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal, NamedTuple, assert_never, get_args

from domain.calendar import local_day, local_month
from domain.nps import PLACES, Counted, counted, figure, kind_of
from domain.relationship.events import FactCorrected
from domain.small_cells import Cell, hidden
from domain.terms import in_force, suppression_min, values
from domain.words import Occasion, Respondent
from infra.projection_engine import rows
from infra.projection_engine.engine import Engine
from infra.queries.as_at import END, Asked, TermsThen, UnknownTerms, folded
from infra.store import log_reader
from infra.store.session import Session
from projections import nps_responses

By = Literal["programme", "mentor", "month"]
KEYS: Final[tuple[By, ...]] = get_args(By)
ROLES: Final = get_args(Respondent)
OCCASIONS: Final = get_args(Occasion)
Shown = dict[str, Any]
Group = tuple[str, ...]
_CORRECTION: Final = FactCorrected.__name__


class Window(NamedTuple):
    """From a time or a day to another, both included. A day is one of the programme's time zone."""

    start: datetime | date | None = None
    end: datetime | date | None = None

    def holds(self, at: datetime, timezone: str) -> bool:
        """Whether a time is in it."""
        return (self.start is None or _like(self.start, at, timezone) >= self.start) and (
            self.end is None or _like(self.end, at, timezone) <= self.end
        )


def _like(limit: datetime | date, at: datetime, timezone: str) -> Any:
    """The time itself where the limit is one, else its day."""
    return at if isinstance(limit, datetime) else local_day(at, timezone)


class Response(NamedTuple):
    """What counts of one respondent of one relationship on one occasion."""

    role: str
    occasion: str
    programme: str
    mentor: str
    counts: Counted


class _Rules(NamedTuple):
    """What a programme says of its figures: the least number of answers that is shown, and the time zone of its months."""

    minimum: float
    timezone: str


class _Tally:
    """Counts of one group: promoters, passives, detractors; asked; and the minimum for showing it."""

    def __init__(self) -> None:
        self.counts = [0, 0, 0]
        self.asked = 0
        self.minimum: float = 0

    def add(self, counts: Counted, minimum: float) -> None:
        self.asked += 1
        self.minimum = max(self.minimum, minimum)
        if counts.score is not None:
            self.counts[PLACES[kind_of(counts.score)]] += 1


def figures(engine: Engine, by: Sequence[By], asked: Asked, window: Window) -> list[Shown]:
    """The rows by role, occasion and the keys, in order. Groups that must not be shown have no figures."""
    engine.catch_up()
    # Mentors belong to programmes: what is shown of one bears on what may be shown of the other.
    keys = [key for key in KEYS if key in by or (key == "programme" and "mentor" in by)]
    tallies: dict[tuple[str, str], dict[Group, _Tally]] = {}
    known: dict[str, _Rules | None] = {}
    with engine.database.reading() as session:
        terms = TermsThen(session, log_reader.LogReader(engine.store.mapper), asked.known_at)
        for response in _responses(engine, session, asked):
            if response.programme not in known:
                known[response.programme] = _rules(engine, terms, response.programme, asked.at)
            rules = known[response.programme]
            if rules is not None and window.holds(response.counts.at, rules.timezone):
                group = tuple(_value(response, key, rules.timezone) for key in keys)
                question = tallies.setdefault((response.role, response.occasion), {})
                question.setdefault(group, _Tally()).add(response.counts, rules.minimum)
    shown: list[Shown] = []
    for role in ROLES:
        for occasion in OCCASIONS:
            shown += _rows(role, occasion, tallies.get((role, occasion), {}), keys, [key for key in KEYS if key in by])
    return shown


def _value(response: Response, key: By, timezone: str) -> str:
    match key:
        case "programme":
            return response.programme
        case "mentor":
            return response.mentor
        case "month":
            return local_month(response.counts.at, timezone)
        case _:
            assert_never(key)


def _rules(engine: Engine, terms: TermsThen, programme: str, at: datetime) -> _Rules | None:
    """What a programme says of its figures; None where its events can't be read."""
    try:
        least = suppression_min(values(in_force(terms.of(programme).settings, at)))
        return _Rules(least, terms.timezone(programme))
    except UnknownTerms as error:
        engine.watcher.note(f"the answers of programme {programme} are left out: {error}")
        return None


def _rows(role: str, occasion: str, table: dict[Group, _Tally], keys: list[By], by: list[By]) -> Iterator[Shown]:
    places = tuple(keys.index(key) for key in by)
    cells = {group: Cell(sum(tally.counts), tally.minimum) for group, tally in table.items()}
    nested = (keys.index("programme"), keys.index("mentor")) if "mentor" in keys else None
    unseen = hidden(cells, wanted=places, nested=nested)
    groups: dict[Group, list[_Tally]] = {}
    for group, tally in sorted(table.items()):
        groups.setdefault(tuple(group[place] for place in places), []).append(tally)
    for group, parts in sorted(groups.items()):
        promoters, passives, detractors = (sum(part.counts[place] for part in parts) for place in range(3))
        found = figure(promoters, passives, detractors, sum(part.asked for part in parts))._asdict()
        suppressed = group in unseen or not promoters + passives + detractors
        if suppressed:
            found |= dict.fromkeys(nps_responses.HIDEABLE)
        yield {
            "role": role,
            "occasion": occasion,
            **dict(zip(by, group, strict=True)),
            **found,
            "suppressed": suppressed,
        }


def _responses(engine: Engine, session: Session, asked: Asked) -> Iterator[Response]:
    believed = _believed_then(engine, session, asked.known_at)
    for subject, state, _ in rows.states(session, engine.projections, nps_responses.PROJECTION):
        then = believed.get(subject, state)
        if then is None:
            continue
        for (role, occasion), records in then.records.items():
            counts = counted(records, asked.at, asked.known_at)
            if counts is not None:
                yield Response(role, occasion, then.programme_id, then.mentor_id, counts)


def _believed_then(
    engine: Engine, session: Session, known_at: datetime | None
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
        known = [entry for entry in entries if entry.recorded is not None and entry.recorded.recorded_at <= known_at]
        found[subject] = folded(nps_responses.PROJECTION, log_reader.effective_entries(known))
    return found
