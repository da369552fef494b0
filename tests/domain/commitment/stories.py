"""Random relationships for the properties: in order, or with messages that arrive late."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from domain.model import Event
from domain.relationship import events as e
from domain.terms import DatedSetting
from domain.words import Role
from tests.domain.commitment.story import ALL_CODES, HOUR, TICK, Story, day, item, setting

# Steps of time between messages, in days: windows and gaps begin and end on these.
STEPS = (0.0, 0.0, HOUR, 0.5, 1.0, 2.0, 4.0, 7.0, 10.0)
STARTS = (0.25, 1.0, 2.0, 5.0)
PLAIN: dict[str, Callable[[int], Event]] = {
    "close": lambda n: e.GoalDropped(goal_id=f"g{n % 2 + 1}", reason="r"),
    "achieve": lambda n: e.GoalAchieved(goal_id=f"g{n % 2 + 1}"),
    "broken": lambda _: e.TrustBreakdownReported(description="d"),
    "restored": lambda n: e.TrustRestored(settled=n % 5 == 4),
    "rude": lambda _: e.DisrespectReported(against="mentor", description="d"),
    "resolved": lambda _: e.DisrespectResolved(resolution="r"),
    "dismissed": lambda n: e.RecommendationDismissed(
        reason="r", clause=(None, "care.trust", "leapfrog.respect", "cmn.breaches")[n % 4]
    ),
    "unready": lambda _: e.TrustReadinessStated(ready=False),
    "ready": lambda _: e.TrustReadinessStated(ready=True),
    "noted": lambda _: e.ProblemReported(description="d"),
}
SESSIONS = ("schedule", "schedule", "schedule", "move", "move", "move", "cancel", "hold", "hold", "hold", "miss")
OFTEN = ("progress", "homework", "homework", "contact", "resume", "resume")
ACTS = (*SESSIONS * 4, *OFTEN, "pause", "open", "plan", "terminate", "term", *PLAIN)
SHORT = {
    "contact_gap_days": 6.0,
    "next_session_days": 4.0,
    "first_session_days": 3.0,
    "no_goal_days": 5.0,
    "late_window_days": 9.0,
    "contact_slack_days": 1.0,
    "outcome_hours": 30.0,
}
TERMS = (
    ("homework_hours_per_session", 2.0),
    ("punctuality_minutes", 8.0),
    ("outcome_hours", 60.0),
    ("points_no_show", 30.0),
    ("points_trust_breakdown", 20.0),
    ("contact_gap_days", None),
    ("homework_hours_per_session", None),
    ("late_notice_hours", 60.0),
)
CODES = (ALL_CODES, ("pentalog", "leapfrog"), ("nottingham",), ())


class _Teller:
    """Turns numbers into a story in which sessions are only moved, held or missed while they are on the calendar."""

    def __init__(self, codes: tuple[str, ...]) -> None:
        self.story = Story(codes)
        self.now = -3.0
        self.open: list[str] = []
        self.sessions = 0

    def act(self, act: str, step: int, late: float, n: int) -> None:
        self.now += STEPS[step]
        at, by = self.now - late, ("mentee", "mentor", "mentee", "mentee", "coordinator")[n % 5]
        match act:
            case "schedule":
                self.sessions += 1
                session = f"s{self.sessions}"
                self.story.scheduled(session, self.now + STARTS[n % 4], at, by)
                self.open.append(session)
            case "move" | "cancel" | "hold" | "miss":
                if self.open:
                    self._session(act, at, by, n)
            case "progress":
                named = f"s{n % (self.sessions + 1)}" if n % 2 else None
                self.story.progress(("none", "some", "achieved")[n % 3], named, at)
            case "homework":
                session = f"s{n % (self.sessions + 1)}"
                self.story.homework(session, (0.0, 1.5, 2.5, 4.0)[n % 4], at, f"{session}-h{step % 2}")
            case "term":
                term, value = TERMS[n]
                document: Any = ("code_of_conduct", "master_agreement")[step % 2]
                self.story.term(at, term, value, document)
            case "contact":
                self.story.contact(at, ("mentee", "mentor") if n % 4 else ("coordinator", "mentee"))
            case "open":
                self.story.goal(f"g{n % 2 + 1}", at)
            case "plan":
                self.story.planned(n + 1, at, (3, 8)[n % 2])
            case "pause":
                self.story.paused(at)
                self.open = [session for session in self.open if self.story.starts[session] <= day(at)]
            case "resume":
                self.story.resumed(at)
            case "terminate":
                if n == 7:
                    self.story.terminated(at)
            case _:
                self.story.tell(PLAIN[act](n), at, by)

    def _session(self, act: str, at: float, by: str, n: int) -> None:
        story, session = self.story, self.open[n % len(self.open)]
        if act == "move":
            cause: Any = (None, None, None, "illness", "work")[n % 5]
            asker: Any = (None, "mentee", "mentor")[n % 3] if by == "coordinator" else None
            story.moved(session, self.now + STARTS[(n + 1) % 4], at, by, cause, on_behalf_of=asker)
            return
        self.open.remove(session)
        if act == "cancel":
            story.cancelled(session, at, by, by_end=n == 7)
        elif act == "miss":
            absent: tuple[Role, ...] = (("mentee",), ("mentor",), ("mentee", "mentor"))[n % 3]
            excuse: Any = (None, None, "illness", None, "personal")[n % 5]
            story.missed(session, absent, at, excuse)
        else:
            start = min((story.starts[session] - day(0)) / timedelta(days=1), self.now - HOUR)
            agenda = ((), (item(40, None), item(20)), (item(30, None), item(30)))[n % 3]
            joined: dict[Role, float] = {"mentee": (n % 4) * 3.0, "mentor": (n % 3) * 5.0}
            status: Any = "contracting" if start < 0 else "active"
            story.held(
                session,
                start,
                agenda=agenda,
                joined=joined,
                told=at,
                progress=None,
                hours=None,
                status=status,
                present=("mentee", "mentor") if n else ("mentee",),
            )


@st.composite
def stories(draw: st.DrawFn, *, late: bool) -> Story:
    """A story of up to forty messages, proposed, with or without a goal, mostly activated."""
    lateness = st.sampled_from((0.0, 0.0, 0.0, 1.0, 3.0, 8.0)) if late else st.just(0.0)
    one = st.tuples(st.sampled_from(ACTS), st.integers(0, len(STEPS) - 1), lateness, st.integers(0, 7))
    length = draw(st.integers(1, 40))
    acts = draw(st.lists(one, min_size=length, max_size=length))
    active_after = draw(st.sampled_from((0, 0, 0, 3)))
    teller = _Teller(draw(st.sampled_from(CODES)))
    if draw(st.booleans()):
        teller.story.goal()
    for i, act in enumerate(acts):
        if i == active_after:
            teller.story.active(teller.now)
        teller.act(*act)
    return teller.story


def settings() -> st.SearchStrategy[list[DatedSetting]]:
    """A few settings of the programme, in the order in which they count."""
    one = st.builds(
        setting,
        st.sampled_from((-10.0, 0.0, 5.0, 12.0)),
        st.sampled_from(
            (
                "late_notice_hours",
                "late_window_days",
                "points_no_show",
                "band_watch",
                "contact_gap_days",
                "outcome_hours",
            )
        ),
        st.sampled_from((12.0, 7.0, 66.0)),
        st.sampled_from(("code_of_conduct", "master_agreement")),
    )
    return st.lists(one, max_size=3).map(lambda some: sorted(some, key=lambda dated: dated.at))


def overrides() -> st.SearchStrategy[dict[str, float]]:
    """Nothing, or windows and gaps so short that a story sees them end."""
    return st.sampled_from(({}, SHORT, SHORT, SHORT | {"late_notice_hours": 40.0, "planned_sessions": 2.0}))


def some_times(story: Story) -> list[Any]:
    """Times worth asking about: around the events, and long after the last."""
    times = sorted({one.occurred_at for one in story.log})
    last = times[-1]
    return [
        *times,
        times[len(times) // 2] + timedelta(days=2),
        last + TICK,
        last + timedelta(days=7),
        last + timedelta(days=40),
    ]
