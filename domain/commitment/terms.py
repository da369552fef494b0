"""The terms that commitment health reads, as whole microseconds and points, and as they change in time.

A setting counts from its own time on, for all that is evaluated from then on. What-if values count at every time.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from math import floor
from typing import Final, NamedTuple

from domain.codes.implements import implements
from domain.commitment.moments import DAY, HOUR, MINUTE, moment, span, time_of
from domain.terms import DEFAULTS, DatedSetting, TermTimeline


class Terms(NamedTuple):
    """The numbers in force at one moment. Times are microseconds, points are whole."""

    late_notice: int
    punctuality: int
    contact_gap: int
    next_session: int
    first_session: int
    no_goal_gap: int
    late_window: int
    homework_hours: float
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


_POINTS: Final = Terms._fields[Terms._fields.index("off_goal_work") : Terms._fields.index("healthy")]


def compiled(terms: Mapping[str, float]) -> Terms:
    """The terms as the signals read them; points that aren't whole are rounded, halves up, since scores are whole.

    Raises:
        KeyError: a term is missing.
    """
    return Terms(
        late_notice=span(terms["late_notice_hours"], HOUR),
        punctuality=span(terms["punctuality_minutes"], MINUTE),
        contact_gap=span(terms["contact_gap_days"], DAY),
        next_session=span(terms["next_session_days"], DAY),
        first_session=span(terms["first_session_days"], DAY),
        no_goal_gap=span(terms["no_goal_days"], DAY),
        late_window=span(terms["late_window_days"], DAY),
        homework_hours=terms["homework_hours_per_session"],
        planned_sessions=terms["planned_sessions"],
        **{name: floor(terms[f"points_{name}"] + 0.5) for name in _POINTS},
        healthy=terms["band_healthy"],
        watch=terms["band_watch"],
        at_risk=terms["band_at_risk"],
        hysteresis=terms["band_hysteresis"],
    )


class TermsInTime:
    """The terms of a programme as its settings change them, with what-if values over them.

    Give one to every evaluation of the same programme: it remembers what it worked out.
    """

    __slots__ = ("_compiled", "_each", "_moments", "_overrides", "_timeline")

    def __init__(self, settings: Iterable[DatedSetting] = (), overrides: Mapping[str, float] | None = None) -> None:
        self._timeline = TermTimeline(settings)
        self._each = sorted(moment(setting.at) for setting in self.settings)
        self._moments = sorted(set(self._each))
        self._overrides = dict(overrides or {})
        self._compiled: dict[int, Terms] = {}

    @property
    def settings(self) -> tuple[DatedSetting, ...]:
        """The settings in the order in which they count."""
        return self._timeline.settings

    def with_own(self, own: Sequence[DatedSetting]) -> "TermsInTime":
        """The same with what the documents set for one relationship alone."""
        return TermsInTime(self._timeline.with_own(own).settings, self._overrides) if own else self

    @implements("pentalog.prevalence")
    def at(self, now: int) -> Terms:
        """The terms in force at a moment: those set by then, resolved by the rank of their documents."""
        place = bisect_right(self._moments, now) if self._moments else 0
        known = self._compiled.get(place)
        if known is None:
            set_by = time_of(self._moments[place - 1]) if place else None
            terms = self._timeline.values_at(set_by) if set_by else DEFAULTS
            known = self._compiled[place] = compiled({**terms, **self._overrides})
        return known

    def next_after(self, now: int) -> int | None:
        """The next moment at which a setting begins to count."""
        if not self._moments:
            return None
        place = bisect_right(self._moments, now)
        return self._moments[place] if place < len(self._moments) else None

    def count(self, now: int) -> int:
        """How many settings count by a moment."""
        return bisect_right(self._each, now) if self._each else 0


DEFAULT: Final = TermsInTime()
TermSettings = TermsInTime | Iterable[DatedSetting]


def terms_in_time(settings: TermSettings = (), overrides: Mapping[str, float] | None = None) -> TermsInTime:
    """The terms over time, from dated settings or as they are; what-if values go over both."""
    if isinstance(settings, TermsInTime):
        return TermsInTime(settings.settings, overrides) if overrides else settings
    dated = tuple(settings)
    return TermsInTime(dated, overrides) if dated or overrides else DEFAULT
