"""The terms of a relationship: what they are by default, and which document has the last word (pentalog.prevalence).

Every number of the rules is a term, so that a contract may set its own. Documents are ranked; the highest that sets a
term wins, whenever it was signed, and the answer names the document that won and those that it overruled. A term may be
set for a programme or for one relationship: within one document the relationship's setting wins, and of two of the same the
later. A setting counts from its own time on, never back.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from domain.codes.implements import implements, implements_data
from domain.model import TermSetting, TermWithdrawal
from domain.problem import Problem
from domain.words import Document

Unit = Literal["hours", "minutes", "days", "working_days", "months", "sessions", "respondents", "mentees", "points"]

# Highest first; the terms of use rank just after the terms and conditions.
PREVALENCE: Final[tuple[Document, ...]] = (
    "master_agreement",
    "statement_of_work",
    "privacy_policy",
    "terms_and_conditions",
    "terms_of_use",
    "code_of_conduct",
)
# Document to its rank, 0 the highest.
RANK: Final[Mapping[str, int]] = MappingProxyType({document: rank for rank, document in enumerate(PREVALENCE)})
implements_data("pentalog.prevalence", "domain.terms:RANK")


class Term(NamedTuple):
    """One term: its default, its unit, the least and the most it may be set to, and whether only whole numbers count it."""

    default: float
    unit: Unit
    least: float = 0
    most: float = 36_600
    whole: bool = True


def _points(default: float) -> Term:
    return Term(default, "points", most=100)


TERMS: Final[Mapping[str, Term]] = MappingProxyType(
    {
        "late_notice_hours": Term(24, "hours", most=8_784, whole=False),
        "homework_hours_per_session": Term(4, "hours", most=1_000, whole=False),
        "planned_sessions": Term(6, "sessions", least=1, most=1_000),
        "session_minutes": Term(60, "minutes", least=1, most=1_440),
        "punctuality_minutes": Term(5, "minutes", most=1_440, whole=False),
        "contact_gap_days": Term(30, "days"),
        "next_session_days": Term(14, "days"),
        "first_session_days": Term(10, "days"),
        "no_goal_days": Term(14, "days"),
        "late_window_days": Term(90, "days"),
        "pause_days_max": Term(60, "days"),
        "decision_days": Term(7, "days"),
        "review_working_days": Term(10, "working_days"),
        "records_days": Term(14, "days"),
        "retention_days": Term(2_190, "days"),
        "development_months": Term(12, "months", most=1_200),
        "suppression_min": Term(5, "respondents"),
        "claim_days": Term(7, "days"),
        "contracting_days": Term(30, "days"),
        "contact_slack_days": Term(7, "days"),
        "outcome_hours": Term(24, "hours", most=8_784, whole=False),
        "reminder_hours": Term(48, "hours", most=8_784, whole=False),
        "look_again_days": Term(14, "days"),
        "mentor_capacity": Term(0, "mentees", most=1_000),
        "points_off_goal_work": _points(15),
        "points_no_goal_progress": _points(10),
        "points_no_goal_progress_3": _points(20),
        "points_no_goal": _points(15),
        "points_frequent_reschedules": _points(15),
        "points_late_reschedules": _points(20),
        "points_late_reschedules_each": _points(5),
        "points_late_reschedules_max": _points(30),
        "points_homework_shortfall_mild": _points(8),
        "points_homework_shortfall": _points(15),
        "points_no_show": _points(10),
        "points_no_show_running": _points(25),
        "points_unpunctual": _points(5),
        "points_no_next_session": _points(10),
        "points_out_of_contact": _points(15),
        "points_trust_breakdown": _points(40),
        "points_disrespect": _points(40),
        "band_healthy": _points(80),
        "band_watch": _points(60),
        "band_at_risk": _points(40),
        "band_hysteresis": _points(5),
    }
)
DEFAULTS: Final[Mapping[str, float]] = MappingProxyType({name: term.default for name, term in TERMS.items()})

# No figure is shown of fewer respondents, whatever a document says of suppression_min.
FEWEST_RESPONDENTS: Final = 3

# The thresholds of the bands, from the best band down: none may lie above the one before it.
BANDS: Final = ("band_healthy", "band_watch", "band_at_risk")


def value_problem(name: str, value: float) -> Problem | None:
    """Why a term can't be set to a value: there is no such term, or the value is out of its range or not whole."""
    term = TERMS.get(name)
    if term is None:
        return unknown_term(name)
    if term.least <= value <= term.most and (not term.whole or value.is_integer()):
        return None
    number = "a whole number" if term.whole else "a number"
    message = f"{name} is {number} of {term.unit.replace('_', ' ')} from {plain(term.least)} to {plain(term.most)}"
    return Problem("term_value", message, field="data.value")


def unknown_term(name: str) -> Problem:
    """That there is no such term, and which may have been meant."""
    near = get_close_matches(name, TERMS, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else f"the terms are {', '.join(TERMS)}"
    return Problem("unknown_term", f"there is no term {name}; {hint}", field="data.term")


@implements("pentalog.prevalence")
def order_problem(values: Mapping[str, float], field: str = "data.value") -> Problem | None:
    """Why these values of all terms can't hold together: a band would begin under the next worse one."""
    for better, worse in pairwise(BANDS):
        if values[better] < values[worse]:
            message = (
                f"{better} would be {plain(values[better])}, under {worse} at {plain(values[worse])}; "
                "set the other one first"
            )
            return Problem("term_value", message, "pentalog.prevalence", field)
    return None


class DatedSetting(NamedTuple):
    """A setting, or the withdrawal of one, and the time from which it counts; `own` for one of a single relationship."""

    at: datetime
    setting: TermSetting | TermWithdrawal
    own: bool = False


class Resolved(NamedTuple):
    """What a term comes to: its value, the document that decided (None: the default), the documents it overruled, highest first."""

    value: float
    document: Document | None = None
    overruled: tuple[Document, ...] = ()


def plain(value: float) -> float:
    """The number as a person writes it: an int when it is whole, so that JSON says 24 and not 24.0."""
    return int(value) if float(value).is_integer() else value


@implements("pentalog.prevalence")
def resolve(settings: Iterable[TermSetting]) -> dict[str, Resolved]:
    """Every term and what it comes to under the settings in force; the last of a document's settings counts.

    A relationship's settings therefore come after those of its programme.
    Terms that this version of Rapport doesn't know are left out: a record may come from a newer one.
    """
    by_term: dict[str, dict[Document, float]] = {}
    for setting in settings:
        by_term.setdefault(setting.term, {})[setting.document] = setting.value
    return {name: _resolved(default, by_term.get(name)) for name, default in DEFAULTS.items()}


def _resolved(default: float, by_document: dict[Document, float] | None) -> Resolved:
    if not by_document:
        return Resolved(default)
    winner, *overruled = sorted(by_document, key=RANK.__getitem__)
    return Resolved(plain(by_document[winner]), winner, tuple(overruled))


def values(settings: Sequence[TermSetting] = ()) -> Mapping[str, float]:
    """Every term's value under the settings in force; not to be changed, the same settings get the same mapping."""
    return _values(tuple(settings)) if settings else DEFAULTS


@lru_cache(maxsize=1_024)
def _values(settings: tuple[TermSetting, ...]) -> Mapping[str, float]:
    return MappingProxyType({name: resolved.value for name, resolved in resolve(settings).items()})


def suppression_min(terms: Mapping[str, float]) -> float:
    """How many different respondents a figure needs to be shown."""
    return max(FEWEST_RESPONDENTS, terms["suppression_min"])


def in_force(dated: Iterable[DatedSetting], at: datetime) -> tuple[TermSetting, ...]:
    """The settings that count at a time: the programme's, then the relationship's own, one for each document and term.

    `dated` is in the order in which settings count: by their time, and by version where two share it.
    """
    programme: dict[tuple[Document, str], TermSetting] = {}
    relationship: dict[tuple[Document, str], TermSetting] = {}
    for set_at, setting, own in dated:
        if set_at > at:
            continue
        latest = relationship if own else programme
        if isinstance(setting, TermSetting):
            latest[setting.document, setting.term] = setting
        else:
            latest.pop((setting.document, setting.term), None)
    return (*programme.values(), *relationship.values())


class TermTimeline:
    """Dated settings and what they come to at any time. A value: equal where the settings are.

    What is in force from a time on is worked out when it is first asked for, and remembered.
    """

    __slots__ = ("_in_force", "_times", "_values", "settings")

    def __init__(self, settings: Iterable[DatedSetting] = ()) -> None:
        self.settings = tuple(settings)
        self._times = sorted({entry.at for entry in self.settings})
        self._in_force: dict[int, tuple[TermSetting, ...]] = {}
        self._values: dict[int, Mapping[str, float]] = {}

    def settings_at(self, at: datetime) -> tuple[TermSetting, ...]:
        """The settings in force at a time, one for each document and term."""
        index = bisect_right(self._times, at)
        if index == 0:
            return ()
        settings = self._in_force.get(index)
        if settings is None:
            settings = self._in_force[index] = in_force(self.settings, self._times[index - 1])
        return settings

    def values_at(self, at: datetime) -> Mapping[str, float]:
        """Every term's value in force at a time; not to be changed."""
        index = bisect_right(self._times, at)
        found = self._values.get(index)
        if found is None:
            found = self._values[index] = values(self.settings_at(at))
        return found

    def with_own(self, own: Sequence[DatedSetting]) -> "TermTimeline":
        """The timeline of a programme with what the documents set for one of its relationships."""
        return TermTimeline(sorted((*self.settings, *own), key=lambda entry: entry.at)) if own else self

    def with_setting(self, new: DatedSetting) -> "TermTimeline":
        """The timeline with a newly recorded setting; a late one changes what was in force from its own time on."""
        return TermTimeline(place(self.settings, new))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TermTimeline) and self.settings == other.settings

    def __hash__(self) -> int:
        return hash(self.settings)

    def __repr__(self) -> str:
        return f"TermTimeline({self.settings!r})"


NO_SETTINGS: Final = TermTimeline()


def place(dated: Sequence[DatedSetting], new: DatedSetting) -> tuple[DatedSetting, ...]:
    """The settings with a newly recorded one in its place by time, after those of the same time."""
    index = bisect_right(dated, new.at, key=lambda entry: entry.at)
    return (*dated[:index], new, *dated[index:])
