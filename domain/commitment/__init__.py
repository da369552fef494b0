"""Commitment health: two scores and a band for a relationship as of a time, each lost point with clauses and evidence.

`fold` keeps the `Facts` that health needs of the events, `evaluate` answers for any time under any terms, `reason` also gives
its changes, `assess` when each signal held besides, `after_the_end` answers at once for what has ended, and `watch` follows one signal.
"""

from domain.commitment.facts import Facts
from domain.commitment.health import (
    Assessment,
    Health,
    Signal,
    SignalHeld,
    Watched,
    after_the_end,
    assess,
    bands,
    evaluate,
    reason,
    score_at,
    standing_at,
    watch,
)
from domain.commitment.policy import BANDS, POLICY, SIGNALS, Band
from domain.commitment.reading import HealthEvent, fold
from domain.commitment.terms import Terms, TermsInTime, terms_in_time
from domain.commitment.timeline import Change

__all__ = [
    "BANDS",
    "POLICY",
    "SIGNALS",
    "Assessment",
    "Band",
    "Change",
    "Facts",
    "Health",
    "HealthEvent",
    "Signal",
    "SignalHeld",
    "Terms",
    "TermsInTime",
    "Watched",
    "after_the_end",
    "assess",
    "bands",
    "evaluate",
    "fold",
    "reason",
    "score_at",
    "standing_at",
    "terms_in_time",
    "watch",
]
