"""What other subjects said at a place of the log: the states of mentors, programmes, cases and relationships as they were before it.

Decisions were made in the order of the log. So what a decision knew of another subject is what that had recorded at earlier positions.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, NamedTuple

from cachetools import LRUCache

from domain.case.state import Case
from domain.mentor.state import Mentor
from domain.model import AnyRecorded
from domain.programme.state import Programme
from domain.registry import State, evolve
from domain.relationship.state import Relationship
from infra.store.errors import DamagedEvent, UnknownEvent
from infra.store.log import EventStore
from infra.store.proposals import comings_and_goings

CACHED: Final = 20_000
# Two processes that decide at once do not see each other's proposals: how long a decision may have been under way.
UNDER_WAY: Final = timedelta(minutes=1)
_STREAMS: Final = (
    "SELECT originator_id, position, topic, state FROM stored_events WHERE originator_id IN ({keys}) "
    "ORDER BY originator_id, originator_version"
)
_FIRST: Final = "SELECT originator_id, position, topic, state FROM stored_events WHERE originator_id IN ({keys}) AND originator_version = 1"
_CASES: Final = (
    "SELECT originator_id, position, topic, state FROM stored_events "
    "WHERE originator_id >= 'case:' AND originator_id < 'case;' ORDER BY originator_id, originator_version"
)


class Course(NamedTuple):
    """The states of a subject, each from a position on; a stream that can't be read ends where that begins."""

    positions: list[int]
    states: list[State]

    def before(self, position: int) -> State | None:
        """The state that the events before a position had made."""
        place = bisect_left(self.positions, position)
        return self.states[place - 1] if place else None


class Going(NamedTuple):
    """That a relationship of a mentor began (+1) or ended (-1)."""

    position: int
    recorded_at: datetime
    change: int


class Courses:
    """Courses of other subjects, read when they are asked for and kept while in use."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._kept: dict[str, Course] = {}
        self._goings: LRUCache[str, list[Going]] = LRUCache(CACHED)
        self._cases: list[Course] | None = None

    def prefetch(self, subjects: Collection[str]) -> None:
        """Read what is not known yet of these subjects, in one query for all and one for relationships."""
        if len(self._kept) > CACHED:
            # What is in use is read again; a cache that tells which that is would cost more than the reading.
            self._kept.clear()
        missing = sorted(each for each in set(subjects) if each not in self._kept)
        whole = [each for each in missing if ":" in each]
        for query, some in ((_STREAMS, whole), (_FIRST, [each for each in missing if ":" not in each])):
            rows = self._store.database.keyed(query, [(each,) for each in some])
            self._kept.update({subject: Course([], []) for subject in some})
            for subject, events in groupby(rows, key=lambda row: row[0]):
                self._kept[subject] = self._course(events)

    def of(self, subject: str) -> Course:
        """The course of a subject; of a relationship only its beginning."""
        found = self._kept.get(subject)
        if found is None:
            self.prefetch([subject])
            found = self._kept[subject]
        return found

    def cases(self) -> list[Course]:
        """The courses of all conduct cases."""
        if self._cases is None:
            rows = self._store.database.query(_CASES)
            self._cases = [self._course(events) for _, events in groupby(rows, key=lambda row: row[0])]
        return self._cases

    def goings(self, mentor_id: str) -> list[Going]:
        """The beginnings and ends of a mentor's relationships."""
        found = self._goings.get(mentor_id)
        if found is None:
            database = self._store.database
            rows = database.query(comings_and_goings(database.kind), (mentor_id,))
            found = [
                Going(position, self._facts(topic, state).recorded_at, change)
                for position, topic, state, change in rows
            ]
            self._goings[mentor_id] = found
        return found

    def _course(self, rows: Iterable[tuple[str, int, str, bytes]]) -> Course:
        course = Course([], [])
        state: State | None = None
        for _, position, topic, body in rows:
            try:
                state = evolve(state, self._facts(topic, body))
            except (UnknownEvent, DamagedEvent, ValueError, LookupError, TypeError, AttributeError):
                # That stream is checked for itself.
                break
            course.positions.append(position)
            course.states.append(state)
        return course

    def _facts(self, topic: str, body: bytes) -> AnyRecorded:
        return self._store.mapper.decode_facts(topic, bytes(body))


class OthersAt:
    """The others as they were before a position of the log (`domain.context.Others`)."""

    def __init__(self, courses: Courses, position: int) -> None:
        self._courses, self._position = courses, position

    def mentor(self, mentor_id: str) -> Mentor | None:
        state = self._courses.of(f"mentor:{mentor_id}").before(self._position)
        return state if isinstance(state, Mentor) else None

    def programme(self, programme_id: str) -> Programme | None:
        state = self._courses.of(f"programme:{programme_id}").before(self._position)
        return state if isinstance(state, Programme) else None

    def relationship(self, subject: str) -> Relationship | None:
        state = self._courses.of(subject).before(self._position)
        return state if isinstance(state, Relationship) else None

    def mentee_of(self, subject: str) -> str | None:
        found = self.relationship(subject)
        return None if found is None else found.mentee_id

    def mentor_load(self, mentor_id: str) -> int:
        return sum(each.change for each in self._courses.goings(mentor_id) if each.position < self._position)

    def cases(self) -> Iterator[Case]:
        for course in self._courses.cases():
            state = course.before(self._position)
            if isinstance(state, Case):
                yield state

    def loads(self, mentor_id: str, recorded_at: datetime) -> range:
        """All loads that a process may have seen which decided while others did."""
        goings = self._courses.goings(mentor_id)
        sure = [each.change for each in goings if each.position < self._position]
        unsure = [
            each.change
            for each in goings
            if each.position != self._position and abs(each.recorded_at - recorded_at) <= UNDER_WAY
        ]
        seen = sum(sure)
        up, down = sum(each > 0 for each in unsure), sum(each < 0 for each in unsure)
        return range(max(seen - up - down, 0), seen + up + down + 1)
