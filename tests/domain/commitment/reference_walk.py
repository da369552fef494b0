"""The plain way through time: try every moment at which anything at all might change."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from domain.model import AnyRecorded
from domain.relationship import events as e
from domain.terms import DatedSetting
from tests.domain.commitment.reference import TICK, Asked, Found, Seen, TermsOf, own_settings, seen

AT_ONCE = ("trust_breakdown", "disrespect")
BANDS = ("healthy", "watch", "at_risk", "critical")
LAST = datetime.max.replace(tzinfo=UTC)


class Look(NamedTuple):
    """Everything about one moment but the band."""

    status: str | None
    score: int | None
    mentee: int | None
    mentor: int | None
    found: Found
    terms: Mapping[str, float]


class Reference:
    """The events of a relationship under settings and what-if values."""

    def __init__(
        self,
        log: Sequence[AnyRecorded],
        settings: Sequence[DatedSetting] = (),
        overrides: Mapping[str, float] | None = None,
    ) -> None:
        self.log, self.settings, self.what_if = log, settings, overrides or {}
        self.own = own_settings(log)
        self._times = sorted(one.occurred_at for one in log)
        self._set_at = sorted(dated.at for dated in (*self.settings, *self.own))
        self._by_then: dict[int, tuple[list[AnyRecorded], Seen]] = {}
        self._terms_by_then: dict[int, TermsOf] = {}

    def _seen(self, known: datetime) -> tuple[list[AnyRecorded], Seen]:
        """The events that had occurred by then, and what they amount to: the same for as long as no more of them occur."""
        count = bisect_right(self._times, known)
        if count not in self._by_then:
            events = [one for one in self.log if one.occurred_at <= known]
            self._by_then[count] = events, seen(events)
        return self._by_then[count]

    def _terms(self, known: datetime) -> TermsOf:
        """Those that had been set by then."""
        count = bisect_right(self._set_at, known)
        if count not in self._terms_by_then:
            programme, own = ([dated for dated in one if dated.at <= known] for one in (self.settings, self.own))
            self._terms_by_then[count] = TermsOf(programme, own, self.what_if)
        return self._terms_by_then[count]

    def look(self, at: datetime, *, known_at: datetime | None = None) -> Look:
        """Health at a time, from what had occurred by then; or by an earlier time, if nothing happened since."""
        known = at if known_at is None else known_at
        (events, s), terms = self._seen(known), self._terms(known)
        if s.status == "paused" and s.pause is not None:
            found, terms_at = self._frozen(s, events, at, terms)
        elif s.status == "active":
            found, terms_at = Asked(s, at, terms).signals(), terms.at(at)
        else:
            return Look(s.status, None, None, None, {}, terms.at(at))
        lost = {
            party: sum(p for (_, by), (p, _) in found.items() if by == party)
            for party in ("mentee", "mentor", "relationship")
        }
        mentee, mentor = max(0, 100 - lost["mentee"]), max(0, 100 - lost["mentor"])
        return Look(s.status, max(0, min(mentee, mentor) - lost["relationship"]), mentee, mentor, found, terms_at)

    @staticmethod
    def _frozen(
        s: Seen, events: Sequence[AnyRecorded], at: datetime, terms: TermsOf
    ) -> tuple[Found, Mapping[str, float]]:
        """Right after the pause and its cancellations, but for broken trust and disrespect, which come and go at once."""
        pause = s.pause
        assert pause is not None
        by_then = [one for one in events if one.occurred_at <= pause.occurred_at and one.version < pause.version]
        for one in events:
            if one.version == pause.version + 1 + len([o for o in by_then if o.version > pause.version]):
                if not (
                    isinstance(one.data, e.SessionCancelled)
                    and one.data.by_pause
                    and one.occurred_at == pause.occurred_at
                ):
                    break
                by_then.append(one)
        frozen = Asked(seen(by_then), pause.occurred_at, terms).signals()
        now = Asked(s, at, terms).signals()
        found = {key: value for key, value in frozen.items() if key[0] not in AT_ONCE}
        found |= {key: value for key, value in now.items() if key[0] in AT_ONCE}
        return found, terms.at(pause.occurred_at)

    # --- moments -------------------------------------------------------------------------------------------------
    def moments(self) -> list[datetime]:
        """Every moment at which a score may change: events, settings, and the ends of all windows and gaps."""
        times = {one.occurred_at for one in self.log} | {dated.at for dated in (*self.settings, *self.own)}
        found = set(times)
        for since, until in pairwise([*sorted(times), LAST]):
            _, s = self._seen(since)
            if s.status == "active":
                found |= {at for at in self._edges(s, since) if since < at < until}
        return sorted(found)

    def _edges(self, s: Seen, since: datetime) -> Iterator[datetime]:
        """The moments at which a gap or a window may end, if nothing happens any more."""
        asked = Asked(s, since, self._terms(since))
        for anchor, span in self._spans(asked):
            at = _after(s.pauses, anchor, span)
            yield at
            yield at + TICK
        yield from asked.open_until().values()

    @staticmethod
    def _spans(asked: Asked) -> Iterator[tuple[datetime, timedelta]]:
        s = asked.s
        marks = [one.occurred_at for one in (s.activated, *s.resumed, *s.closings) if one is not None]
        contacts = [one.occurred_at for one in s.all(e.ContactRecorded)]
        ends = [asked.time(one) for one in (*asked.done, *asked.missed, *asked.cancelled)]
        acts = [one.occurred_at for one in (*asked.moved, *asked.cancelled, *asked.missed)]
        rhythm = (
            timedelta(0) if s.plan is None else timedelta(days=s.plan.every_days) + asked.days("contact_slack_days")
        )
        for anchors, span in (
            (marks, asked.days("no_goal_days")),
            (marks, asked.days("first_session_days")),
            (ends, asked.days("next_session_days")),
            ([*marks, *contacts, *ends], max(rhythm, asked.days("contact_gap_days"))),
            (acts, asked.days("late_window_days")),
        ):
            for anchor in anchors:
                yield anchor, span

    def walk(self, until: datetime | None = None) -> list[tuple[datetime, Look, str | None]]:
        """Score and band from every moment on, as reached through all that come before."""
        band: str | None = None
        walked = []
        for moment in self.moments():
            if until is not None and moment > until:
                break
            look = self.look(moment)
            band = step(band, look)
            walked.append((moment, look, band))
        return walked

    def ahead(self, at: datetime) -> datetime | None:
        """The next change of the score without any event after `at`."""
        now = self.look(at)
        if now.status != "active":
            return None
        _, s = self._seen(at)
        for moment in sorted(set(self._edges(s, at))):
            if moment > at and self.look(moment, known_at=at).score != now.score:
                return moment
        return None


def _after(pauses: Sequence[tuple[datetime, datetime]], anchor: datetime, span: timedelta) -> datetime:
    """When so much time outside pauses will have passed since."""
    at, left = anchor, span
    for start, end in sorted(pauses):
        if end <= at:
            continue
        if at + left <= start:
            return at + left
        if at < start:
            left -= start - at
        at = end
    return at + left


def step(band: str | None, look: Look) -> str | None:
    """The band after one more change, coming from the band before."""
    if look.score is None:
        return None
    if any(signal in AT_ONCE for signal, _ in look.found):
        return "critical"
    needed: Any = {name: look.terms[f"band_{name}"] for name in BANDS[:3]} | {"critical": -1.0}
    plain = next(name for name in BANDS if look.score >= needed[name])
    if band is None or BANDS.index(plain) >= BANDS.index(band):
        return plain
    margin = look.terms["band_hysteresis"]
    for name in BANDS[: BANDS.index(band)]:
        if look.score >= needed[name] + margin:
            return name
    return band
