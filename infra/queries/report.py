"""The report for a sponsor: exactly the outputs that were agreed, each asked of the matrix, and why the others are not there.

The mentee shares it with the line manager, the customer or the coordinator. What is shown is what this reader may see now:
a withdrawn consent or a changed agreement counts at once, whatever the days that the report is about. Facts stand as they were
corrected. Figures over several people are not told about one relationship.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from domain.calendar import end_of_local_day, local_day
from domain.codes.implements import implements
from domain.relationship.guards import first_clause
from domain.relationship.privacy import PrivateTopics, normal
from domain.relationship.state import Relationship, Reporting
from domain.sharing.answer import Answer
from domain.sharing.question import Reader
from domain.words import DATA_CLASSES, NAMED_ROLES, DataClass, ReportingAudience
from infra.projection_engine.engine import Engine
from infra.queries.as_at import NOW, Moment, counting, state_of
from infra.queries.outputs import FIGURES, Course, Days, Words, texts, words
from infra.queries.sharing import Matter, matter_of
from infra.store.log import EventStore
from infra.store.read_once import ReadOnce
from infra.store.reads import Read, record_reads
from infra.store.restrictions import restricted

Shown = dict[str, Any]
_FEW: Final = (
    "answers of one relationship are told to nobody outside: rapport nps shows figures over enough respondents"
)
_PRIVATE: Final = "it touches a topic that the mentee keeps private"


class NoReport(Exception):
    """There is no report to make, and why; `clause` is the one that asks for what is missing."""

    def __init__(self, message: str, clause: str | None = None) -> None:
        super().__init__(message)
        self.clause = clause


class Asked(NamedTuple):
    """For whom a report is, about which days, and as of which moment the facts are told.

    What the reader may see is asked as of now, whatever the moment is.
    """

    to: ReportingAudience
    days: Days = Days()
    moment: Moment = NOW


def report(
    store: EventStore, engine: Callable[[], Engine], subject: str, asked: Asked, now: datetime, by: str
) -> Shown | None:
    """The report on a relationship, as it counts now; None where there is no such relationship. That `by` reads its words is put on record.

    Raises:
        NoReport: There is nobody to report to, or no reporting was agreed with them.
        UnknownEvent: An event is of a newer Rapport.
    """
    store = ReadOnce.of(store)
    matter = matter_of(store, engine, subject, Reader(asked.to), NOW, now)
    if matter is None:
        return None
    state = matter.situation.state
    reader, agreed = _recipient(state, asked.to), _agreed(state, asked.to)
    if not restricted(store.database).isdisjoint({state.mentee_id.lower(), state.mentor_id.lower()}):
        raise NoReport("the data of a party may be stored and not used until that is lifted (LiftRestriction)")
    outputs = [each for each in DATA_CLASSES if each in agreed.outputs]
    course = _course(store, matter, asked)
    output = _Output(matter, reader, course)
    for data_class in outputs:
        output.add(data_class)
    record_reads(
        store.database,
        [
            Read(now, by, subject, version, data_class, clause, f"report to {asked.to}")
            for (version, data_class), clause in output.opened.items()
            if matter.events[version].actor != by
        ],
    )
    return {
        "relationship_id": subject,
        "programme_id": state.programme_id,
        "mentee_id": state.mentee_id,
        "mentor_id": state.mentor_id,
        "to": asked.to,
        "recipient": str(reader),
        "period": {"from": asked.days.first, "to": asked.days.last},
        "made_at": now,
        "agreed": {
            "outputs": outputs,
            "every_days": agreed.every_days,
            "versions": list(agreed.versions),
            "waits_for": list(state.awaited(agreed)),
        },
        "outputs": output.shown,
        "not_shown": output.not_shown,
        "contested": [version for version in state.contested if version in {shown for shown, _ in output.opened}],
        **{name: time for name, time in asked.moment._asdict().items() if time is not None},
    }


def _recipient(state: Relationship, to: ReportingAudience) -> Reader:
    """Who gets the report: the person whom the relationship names, or those who coordinate the programme."""
    if to not in NAMED_ROLES:
        return Reader(to)
    id_ = state.named(to)
    if id_ is None:
        raise NoReport(f"the relationship names no {to}: the office names one (ChangeParty)")
    return Reader(to, id_)


@implements("cmn.reporting")
def _agreed(state: Relationship, to: ReportingAudience) -> Reporting:
    """What was agreed; without an agreement nothing is reported."""
    agreed = state.reporting.get(to)
    if agreed is None:
        clause = first_clause(state.codes, "cmn.reporting", "cmn.outputs", "leapfrog.confidentiality")
        raise NoReport(f"no reporting was agreed with the {to}: agree on its outputs first (AgreeReporting)", clause)
    return agreed


def _course(store: EventStore, matter: Matter, asked: Asked) -> Course:
    """The relationship as it was at the end of the days, with the corrections that were known at the moment."""
    subject, zone, days = matter.situation.state.subject, matter.zone, asked.days
    end = end_of_local_day(days.last, zone) if days.last else None
    counted = [each for each in counting(store.read(subject), asked.moment) if end is None or each.occurred_at < end]
    state = state_of(counted)
    if not isinstance(state, Relationship):
        raise NoReport(f"the relationship was not proposed by {days.last or 'then'}: ask about later days")
    of_days = tuple(each for each in counted if days.hold(local_day(each.occurred_at, zone)))
    return Course(state, tuple(counted), of_days, days, zone)


class _Output:
    """What the report shows, what it does not and why."""

    def __init__(self, matter: Matter, reader: Reader, course: Course) -> None:
        self.matter, self.reader, self.course = matter, reader, course
        self.private = PrivateTopics.of(matter.situation.state.private_topics)
        self.shown: dict[str, Any] = {}
        self.not_shown: list[Shown] = []
        # The clause that opened each class of words, by version.
        self.opened: dict[tuple[int, DataClass], str | None] = {}

    @implements("cmn.outputs", "leapfrog.confidentiality")
    def add(self, data_class: DataClass) -> None:
        """Show an agreed output as far as this reader may see it."""
        answer = self.matter.answer(self.reader, data_class)
        if answer.allowed and data_class == "nps_score":
            answer = answer._replace(allowed=False, why=_FEW)
        if not answer.allowed:
            self._leave_out(data_class, answer)
        elif data_class in FIGURES:
            self.shown[data_class] = FIGURES[data_class](self.course)
        else:
            self.shown[data_class] = [
                self._entry(each) for each in words(self.course, data_class) if self._may_see(data_class, each)
            ]

    def _may_see(self, data_class: DataClass, each: Words) -> bool:
        version = each.recorded.version
        fact = self.matter.fact(version)
        if (
            fact is not None
            and fact.knowers is not None
            and not self.matter.answer(self.reader, "operational", version).allowed
        ):
            # That it happened is confidential: not even that something was left out is said.
            return False
        answer = self.matter.answer(self.reader, data_class, version)
        if answer.allowed and self._is_private(each):
            clause = first_clause(self.matter.situation.state.codes, "leapfrog.privacy")
            answer = Answer(False, clause, _PRIVATE)
        if answer.allowed:
            self.opened[version, data_class] = answer.clause
        else:
            self._leave_out(data_class, answer)
        return answer.allowed

    @implements("leapfrog.privacy")
    def _is_private(self, each: Words) -> bool:
        """Whether words touch a topic that the mentee keeps private now."""
        return any(self.private.touched_by(normal(text)) for text in texts(each.data))

    def _entry(self, each: Words) -> Shown:
        return {
            "version": each.recorded.version,
            "type": f"rapport.{type(each.recorded.data).__name__}",
            "at": each.recorded.occurred_at,
            "by": each.recorded.role,
            **each.data,
        }

    def _leave_out(self, data_class: DataClass, answer: Answer) -> None:
        left_out = {"data_class": data_class, "clause": answer.clause, "why": answer.why}
        if left_out not in self.not_shown:
            self.not_shown.append(left_out)
