"""Commitment health: two scores and a band for a relationship as of a time, each lost point with clauses and evidence.

`fold` keeps the `Facts` that health needs of the events, `evaluate` answers for any time under any terms, `bands` is the
history, and a `Cursor` follows a relationship event by event.
"""

from domain.commitment.facts import Facts
from domain.commitment.health import Health, Signal, bands, evaluate, health_at
from domain.commitment.policy import BANDS, POLICY, SIGNALS, Band
from domain.commitment.reading import HealthEvent, fold
from domain.commitment.terms import Terms, TermsInTime, terms_in_time
from domain.commitment.timeline import Change, Cursor, Timeline, build_timeline

__all__ = [
    "BANDS",
    "POLICY",
    "SIGNALS",
    "Band",
    "Change",
    "Cursor",
    "Facts",
    "Health",
    "HealthEvent",
    "Signal",
    "Terms",
    "TermsInTime",
    "Timeline",
    "bands",
    "build_timeline",
    "evaluate",
    "fold",
    "health_at",
    "terms_in_time",
]
