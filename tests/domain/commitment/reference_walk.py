"""The plain way through time: try every moment at which anything at all might change."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.model import AnyRecorded
from domain.relationship import events as e
from domain.terms import DatedSetting
from tests.domain.commitment.reference import TICK, Found, seen, signals, terms_at

SPANS = ("contact_gap_days", "next_session_days", "first_session_days", "no_goal_days", "late_window_days")
BANDS = ("healthy", "watch", "at_risk", "critical")


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
        self.log, self.settings, self.overrides = log, settings, overrides or {}

    def look(self, at: datetime, *, known_at: datetime | None = None) -> Look:
        """Health at a time, from what had occurred by then; or by an earlier time, if nothing happened since."""
        known = at if known_at is None else known_at
        events = [one for one in self.log if one.occurred_at <= known]
        s, now, terms = seen(events), at, terms_at(known, self.settings, self.overrides)
        if s.pause is not None:
            now, version = s.pause.occurred_at, s.pause.version
            terms = terms_at(now, self.settings, self.overrides)
            frozen = [
                one
                for one in events
                if (one.occurred_at <= now and one.version < version)
                or (one.occurred_at == now and isinstance(one.data, e.SessionCancelled) and one.data.by_pause)
            ]
            status, s = "paused", seen(frozen)
        elif s.status != "active":
            return Look(s.status, None, None, None, {}, terms)
        else:
            status = "active"
        found = signals(s, now, terms)
        lost = {
            party: sum(p for (_, by), (p, _) in found.items() if by == party)
            for party in ("mentee", "mentor", "relationship")
        }
        mentee, mentor = max(0, 100 - lost["mentee"]), max(0, 100 - lost["mentor"])
        return Look(status, max(0, min(mentee, mentor) - lost["relationship"]), mentee, mentor, found, terms)

    def moments(self) -> list[datetime]:
        """Every moment at which a score may change: events, settings, starts, and the ends of all windows and gaps."""
        anchors = {one.occurred_at for one in self.log}
        for one in self.log:
            for name in ("starts_at", "started_at", "ended_at", "previous_starts_at"):
                if (time := getattr(one.data, name, None)) is not None:
                    anchors.add(time)
            if isinstance(one.data, e.SessionCancelled):
                anchors.add(one.occurred_at + timedelta(hours=one.data.notice_hours))
        times = [one.at for one in self.settings]
        spans = {terms_at(at, self.settings, self.overrides)[name] for at in (min(anchors), *times) for name in SPANS}
        found = anchors | set(times)
        for at in {one.occurred_at for one in self.log}:
            s = seen([one for one in self.log if one.occurred_at <= at])
            for anchor in anchors:
                found |= {_after(s.pauses, anchor, timedelta(days=span)) for span in spans}
        return sorted(found | {moment + TICK for moment in found})

    def walk(self) -> list[tuple[datetime, int | None, str | None]]:
        """Score and band from every moment on, as reached through all that come before."""
        band: str | None = None
        walked = []
        for moment in self.moments():
            look = self.look(moment)
            band = _step(band, look)
            walked.append((moment, look.score, band))
        return walked

    def ahead(self, at: datetime, moments: Sequence[datetime]) -> tuple[datetime | None, datetime | None]:
        """The next change of the score, and of anything, without any event after `at`."""
        now = self.look(at)
        if now.status != "active":
            return None, None
        score = refresh = None
        for moment in moments:
            if moment > at:
                then = self.look(moment, known_at=at)
                if refresh is None and then.found != now.found:
                    refresh = moment
                if then.score != now.score:
                    score = moment
                    break
        return score, refresh


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


def _step(band: str | None, look: Look) -> str | None:
    if look.score is None:
        return None
    if any(signal in ("trust_breakdown", "disrespect") for signal, _ in look.found):
        return "critical"
    needed = {name: look.terms[f"band_{name}"] for name in BANDS[:3]} | {"critical": -1.0}
    plain = next(name for name in BANDS if look.score >= needed[name])
    if band is None or BANDS.index(plain) >= BANDS.index(band):
        return plain
    margin = look.terms["band_hysteresis"]
    for name in BANDS[: BANDS.index(band)]:
        if look.score >= needed[name] + margin:
            return name
    return band
