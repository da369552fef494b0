"""The policy `commitment-health/2`: the signals in order, the clauses behind each, what each depends on, scores and bands.

Bands have hysteresis: a band worsens at once and improves only well above its threshold.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from domain.codes.clauses import cite
from domain.commitment import facts as f
from domain.commitment import party_signals as party
from domain.commitment import shared_signals as shared
from domain.commitment.facts import Fact
from domain.commitment.picture import Picture
from domain.commitment.terms import Terms
from domain.commitment.verdict import Accountable, SignalName, Verdict

POLICY: Final = "commitment-health/2"

Rule = Callable[[Picture, int, Terms], Verdict]

RULES: Final[Mapping[SignalName, Rule]] = MappingProxyType(
    {
        "off_goal_work": party.off_goal_work,
        "no_goal_progress": party.no_goal_progress,
        "no_goal": party.no_goal,
        "frequent_reschedules": party.frequent_reschedules,
        "late_reschedules": party.late_reschedules,
        "homework_shortfall": party.homework_shortfall,
        "no_show": party.no_show,
        "unpunctual": party.unpunctual,
        "no_next_session": shared.no_next_session,
        "out_of_contact": shared.out_of_contact,
        "trust_breakdown": shared.trust_breakdown,
        "disrespect": shared.disrespect,
    }
)
ORDER: Final[tuple[Rule, ...]] = tuple(RULES.values())
SIGNALS: Final[tuple[SignalName, ...]] = tuple(RULES)

_BACKING: Final[Mapping[SignalName, tuple[str, ...]]] = MappingProxyType(
    {
        "off_goal_work": ("pentalog.off-goal",),
        "no_goal_progress": ("pentalog.no-progress",),
        "no_goal": ("pentalog.hard-to-find-goal",),
        "frequent_reschedules": ("pentalog.frequent-reschedules",),
        "late_reschedules": ("pentalog.late-reschedules", "leapfrog.notice"),
        "homework_shortfall": ("pentalog.homework",),
        "no_show": ("leapfrog.notice", "leapfrog.time"),
        "unpunctual": ("pentalog.punctuality", "leapfrog.time"),
        "no_next_session": ("pentalog.next-session",),
        "out_of_contact": ("nottingham.regular-contact",),
        "trust_breakdown": ("pentalog.trust",),
        "disrespect": ("pentalog.respect", "leapfrog.respect"),
    }
)


def backing(signal: SignalName, against: Accountable, codes: tuple[str, ...]) -> tuple[str, ...]:
    """The clauses behind a signal among the adopted codes; none where only the policy asks for it."""
    clauses = _BACKING[signal]
    if signal == "unpunctual" and against == "mentor":
        clauses = (*clauses, "mentor247.punctuality")
    return cite(codes, *clauses)


# All signals, and none of them.
ALL: Final = tuple(range(len(ORDER)))
NONE: Final[tuple[int, ...]] = ()


def _places(*signals: SignalName) -> tuple[int, ...]:
    return tuple(SIGNALS.index(signal) for signal in signals)


_TRUST: Final = _places("trust_breakdown")
_RESPECT: Final = _places("disrespect")
# These come and go at once also while paused.
AT_ONCE: Final = (*_TRUST, *_RESPECT)

# The signals that a fact may change: the timeline evaluates only these again.
TOUCHES: Final[Mapping[type[Fact], tuple[int, ...]]] = MappingProxyType(
    {
        f.Proposed: NONE,
        f.Activated: ALL,
        f.Paused: ALL,
        f.Resumed: ALL,
        f.Terminated: ALL,
        f.Planned: _places("no_goal", "no_next_session", "out_of_contact"),
        f.GoalOpened: _places("no_goal"),
        f.GoalClosed: _places("no_goal"),
        f.Progressed: _places("no_goal_progress"),
        f.Scheduled: _places("no_next_session"),
        f.Rescheduled: _places("frequent_reschedules", "late_reschedules", "no_next_session"),
        f.Cancelled: _places("frequent_reschedules", "late_reschedules", "no_next_session"),
        f.Completed: _places(
            "off_goal_work",
            "no_goal_progress",
            "no_goal",
            "frequent_reschedules",
            "late_reschedules",
            "homework_shortfall",
            "no_show",
            "unpunctual",
            "no_next_session",
            "out_of_contact",
        ),
        f.Missed: _places("frequent_reschedules", "no_show", "no_next_session"),
        f.Worked: _places("homework_shortfall"),
        f.InTouch: _places("out_of_contact"),
        f.TrustLost: _TRUST,
        f.TrustRegained: _TRUST,
        f.Disrespected: _RESPECT,
        f.RespectRestored: _RESPECT,
        f.Dismissed: AT_ONCE,
        f.Unready: _TRUST,
        f.Ready: _TRUST,
        f.TermChanged: NONE,
    }
)


# These mean critical for as long as they hold.
FORCING: Final[tuple[SignalName, ...]] = ("trust_breakdown", "disrespect")


class Scores(NamedTuple):
    """The two parties' scores and the relationship's; `forced` when a report stands that makes it critical."""

    mentee: int
    mentor: int
    score: int
    forced: bool


def scored(verdicts: Iterable[Verdict]) -> Scores:
    """100 less the points of each party's signals; the lower of the two less those of the relationship; never below 0."""
    mentee = mentor = 100
    together, forced = 0, False
    for findings, _ in verdicts:
        for finding in findings:
            if finding.party == "mentee":
                mentee -= finding.points
            elif finding.party == "mentor":
                mentor -= finding.points
            else:
                together += finding.points
                forced = forced or finding.signal in FORCING
    mentee, mentor = max(0, mentee), max(0, mentor)
    return Scores(mentee, mentor, max(0, min(mentee, mentor) - together), forced)


# --- from score to band --------------------------------------------------------------------------------------------
Band = Literal["healthy", "watch", "at_risk", "critical"]

# Best first.
BANDS: Final[tuple[Band, ...]] = ("healthy", "watch", "at_risk", "critical")


def band_after(before: Band | None, score: int, terms: Terms, *, forced: bool) -> Band:
    """The band once the score is what it is, coming from the band before (None: there was no score).

    A report of lost trust or of disrespect that stands forces `critical`, and that counts as the band before afterwards.
    """
    if forced:
        return "critical"
    plain = _reached(score, terms, 0)
    if before is None or BANDS.index(plain) >= BANDS.index(before):
        return plain
    improved = _reached(score, terms, terms.hysteresis)
    return improved if BANDS.index(improved) < BANDS.index(before) else before


def _reached(score: int, terms: Terms, margin: float) -> Band:
    """The best band whose threshold the score reaches, by a margin."""
    if score >= terms.healthy + margin:
        return "healthy"
    if score >= terms.watch + margin:
        return "watch"
    if score >= terms.at_risk + margin:
        return "at_risk"
    return "critical"
