"""The terms that commitment health reads, as whole microseconds and points, and as they change in time.

A setting counts from its own time on. Whether an act was late, on time or enough follows the terms in force when it
happened; points, bands, windows and gaps follow those in force at the time asked about. What-if values count at every time.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import floor
from typing import Final, NamedTuple

from domain.codes.implements import implements
from domain.commitment.moments import DAY, HOUR, MINUTE, moment, span, time_of
from domain.problem import Problem
from domain.terms import BANDS, DEFAULTS, DatedSetting, TermTimeline, order_problem, values


class Terms(NamedTuple):
    """The numbers in force at one moment. Times are microseconds, points are whole.

    `homework_asked` says that a document sets the hours of homework.
    """

    punctuality: int
    contact_gap: int
    contact_slack: int
    outcome: int
    next_session: int
    first_session: int
    no_goal_gap: int
    late_window: int
    homework_hours: float
    homework_asked: bool
    planned_sessions: float
    off_goal_work: int
    no_goal_progress: int
    no_goal_progress_3: int
    no_goal: int
    frequent_reschedules: int
    late_reschedules: int
    late_reschedules_each: int
    late_reschedules_max: int
    homework_shortfall_mild: int
    homework_shortfall: int
    no_show: int
    no_show_running: int
    unpunctual: int
    no_next_session: int
    out_of_contact: int
    trust_breakdown: int
    disrespect: int
    healthy: float
    watch: float
    at_risk: float
    hysteresis: float


LATE_NOTICE: Final = "late_notice_hours"
HOMEWORK: Final = "homework_hours_per_session"
_POINTS: Final = Terms._fields[Terms._fields.index("off_goal_work") : Terms._fields.index("healthy")]


def compiled(terms: Mapping[str, float], *, homework_asked: bool) -> Terms:
    """The terms as the signals read them; points that aren't whole are rounded, halves up, since scores are whole.

    Raises:
        KeyError: a term is missing.
    """
    return Terms(
        punctuality=span(terms["punctuality_minutes"], MINUTE),
        contact_gap=span(terms["contact_gap_days"], DAY),
        contact_slack=span(terms["contact_slack_days"], DAY),
        outcome=span(terms["outcome_hours"], HOUR),
        next_session=span(terms["next_session_days"], DAY),
        first_session=span(terms["first_session_days"], DAY),
        no_goal_gap=span(terms["no_goal_days"], DAY),
        late_window=span(terms["late_window_days"], DAY),
        homework_hours=terms["homework_hours_per_session"],
        homework_asked=homework_asked,
        planned_sessions=terms["planned_sessions"],
        **{name: floor(terms[f"points_{name}"] + 0.5) for name in _POINTS},
        healthy=terms["band_healthy"],
        watch=terms["band_watch"],
        at_risk=terms["band_at_risk"],
        hysteresis=terms["band_hysteresis"],
    )


class TermsInTime:
    """The terms of a relationship over time: its programme's settings, its own, and what-if values over both.

    Give one to every evaluation of the same programme: it remembers what it worked out, also for each relationship's own.
    """

    __slots__ = ("_compiled", "_moments", "_overrides", "_timeline", "_with_own")

    def __init__(self, settings: Iterable[DatedSetting] = (), overrides: Mapping[str, float] | None = None) -> None:
        self._timeline = TermTimeline(settings)
        self._moments = sorted({moment(dated.at) for dated in self.settings})
        self._overrides = dict(overrides or {})
        self._compiled: dict[int, Terms] = {}
        self._with_own: dict[tuple[DatedSetting, ...], TermsInTime] = {}

    @property
    def settings(self) -> tuple[DatedSetting, ...]:
        """The settings in the order in which they count."""
        return self._timeline.settings

    @property
    def changes(self) -> tuple[object, ...]:
        """All that these terms follow from; two that agree in it are the same."""
        return self.settings, self._overrides

    def is_as(self, other: "TermsInTime") -> bool:
        """Whether these terms and others follow from the same."""
        return self is other or self.changes == other.changes

    def with_own(self, own: tuple[DatedSetting, ...]) -> "TermsInTime":
        """The terms of a relationship of the programme that has settings of its own."""
        if not own or set(own).issubset(self.settings):
            return self
        if own not in self._with_own:
            self._with_own[own] = TermsInTime(self._timeline.with_own(own).settings, self._overrides)
        return self._with_own[own]

    def is_late(self, notice: int, *, judged: bool) -> bool:
        """Whether a move with so much notice was late: as judged when it was recorded, unless what-if values say otherwise."""
        asked = self._overrides.get(LATE_NOTICE)
        return judged if asked is None else notice < span(asked, HOUR)

    @implements("pentalog.prevalence")
    def at(self, now: int) -> Terms:
        """The terms in force at a moment: those set by then, resolved by the rank of their documents."""
        place = bisect_right(self._moments, now) if self._moments else 0
        known = self._compiled.get(place)
        if known is None:
            known = self._compiled[place] = self._compile(place)
        return known

    def _compile(self, place: int) -> Terms:
        set_by = time_of(self._moments[place - 1]) if place else None
        settings = self._timeline.settings_at(set_by) if set_by else ()
        asked = HOMEWORK in self._overrides or any(each.term == HOMEWORK for each in settings)
        return compiled({**values(settings), **self._overrides}, homework_asked=asked)

    def order_problem(self) -> Problem | None:
        """Why what-if values can't be: at some time a band would begin under the next worse one."""
        if not self._overrides.keys() & set(BANDS):
            return None
        each = (DEFAULTS, *(self._timeline.values_at(dated.at) for dated in self.settings))
        problems = (order_problem({**values, **self._overrides}) for values in each)
        return next((problem for problem in problems if problem), None)

    def next_after(self, now: int) -> int | None:
        """The next moment at which a setting begins to count."""
        if not self._moments:
            return None
        place = bisect_right(self._moments, now)
        return self._moments[place] if place < len(self._moments) else None


DEFAULT: Final = TermsInTime()
TermSettings = TermsInTime | Iterable[DatedSetting]


def terms_in_time(settings: TermSettings = (), overrides: Mapping[str, float] | None = None) -> TermsInTime:
    """The terms over time, from dated settings or as they are; what-if values go over both."""
    if isinstance(settings, TermsInTime):
        return TermsInTime(settings.settings, overrides) if overrides else settings
    dated = tuple(settings)
    if overrides:
        return TermsInTime(dated, overrides)
    return _over_time(dated) if dated else DEFAULT


@lru_cache(maxsize=1_024)
def _over_time(dated: tuple[DatedSetting, ...]) -> TermsInTime:
    """The same object for the same settings, so that what it remembers stays: a worker asks at every event of a programme."""
    return TermsInTime(dated)
