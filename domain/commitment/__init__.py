"""Commitment health: two scores and a band for a relationship as of a time, each lost point with clauses and evidence.

`Facts` are what it needs of the events (`fold`), `evaluate` answers for any time under any terms, `bands` tells how it
came about, and a `Walker` keeps pace with a relationship event by event.
"""

from domain.commitment.bands import BANDS, Band
from domain.commitment.facts import Facts
from domain.commitment.health import Health, Signal, bands, evaluate, health_at
from domain.commitment.policy import POLICY, SIGNALS
from domain.commitment.reading import HealthEvent, fold
from domain.commitment.terms import Terms, TermsInTime, terms_in_time
from domain.commitment.timeline import Change, Walked, Walker, walk

__all__ = [
    "BANDS",
    "POLICY",
    "SIGNALS",
    "Band",
    "Change",
    "Facts",
    "Health",
    "HealthEvent",
    "Signal",
    "Terms",
    "TermsInTime",
    "Walked",
    "Walker",
    "bands",
    "evaluate",
    "fold",
    "health_at",
    "terms_in_time",
    "walk",
]
