"""How often things happen in the made-up relationships, in one place. Shares are of 1 unless the name says otherwise.

The bands that these keep to: 5 to 12 % of due sessions missed, 5 to 20 % of sessions moved or cancelled late, about
a third of relationships ended before their plan, most of those early on.
"""

from typing import Final

# Proneness differs between pairs: most hardly ever move or miss a session, a few often do. (share, factor) averages 1.
PRONENESS: Final = ((0.50, 0.35), (0.35, 1.10), (0.15, 2.90))

NO_SHOW: Final = 0.08
ABSENT: Final = ((0.72, ("mentee",)), (0.22, ("mentor",)), (0.06, ("mentee", "mentor")))
MOVE: Final = 0.24
MOVE_LATE: Final = 0.42
MOVE_AGAIN: Final = 0.5
MOVE_IS_CANCELLATION: Final = 0.14
JOINS_LATE: Final = 0.10

NEVER_STARTED: Final = 0.05
# The chance to end after a turn at the calendar: it falls from session to session, and rises with what strains the pair.
HAZARD: Final = 0.04
HAZARD_DECAY: Final = 0.6
HAZARD_OF_STRAIN: Final = 0.35
STRAIN: Final = {"late_move": 0.9, "missed": 1.1, "no_progress": 0.2}
HAZARD_AT_MOST: Final = 0.6
# A pair that gives up seldom says so at once: for some days nothing is booked, and then one of them ends it.
DAYS_TO_EARLY_END: Final = (14, 56)
DAYS_TO_END: Final = (1, 14)

ANSWERS_MATCH: Final = 0.5
MATCH_DECLINED: Final = 0.25
POSTPONED: Final = 0.05
CONFIRMED: Final = 0.6
CONTESTED: Final = 0.1
CORRECTED: Final = 0.75
EXCUSED: Final = 0.15
NO_SHOW_WRONG: Final = 0.3
EXTENDED: Final = 0.06
REMATCHED: Final = 0.35

PLANS: Final = ((0.10, (4, 14)), (0.42, (6, 14)), (0.16, (6, 21)), (0.20, (8, 14)), (0.08, (10, 14)), (0.04, (12, 7)))
BOOKS_AHEAD: Final = 0.2
FORGETS_NEXT: Final = 0.12

HOMEWORK_GIVEN: Final = 0.88
HOMEWORK_REPORTED: Final = 0.86
HOMEWORK_REPORTED_TWICE: Final = 0.3
HOMEWORK_NOTHING: Final = 0.2
HOMEWORK_HOURS_SCALE: Final = 1.9

OFF_GOAL: Final = 0.17
PROGRESS: Final = ((0.27, "none"), (0.65, "some"), (0.08, "achieved"))
CONTACT: Final = 0.45
CHECKED: Final = 0.35
FIRST_GOAL: Final = 0.9
SECOND_GOAL: Final = 0.3
NOTE: Final = {"mentor": 0.62, "mentee": 0.33}
SENSITIVE: Final = 0.05

NPS_ANSWERED: Final = {"mentee": 0.74, "mentor": 0.66, "customer": 0.5}
NPS_CONTENT: Final = (1, 1, 1, 1, 2, 4, 5, 12, 23, 26, 24)
NPS_DISAPPOINTED: Final = (6, 4, 6, 8, 8, 14, 13, 15, 14, 7, 5)

PAUSE: Final = 0.1
TRUST_BREAKDOWN: Final = 0.04
DISRESPECT: Final = 0.013
PROBLEM: Final = 0.03
BREACH: Final = 0.02
SIGNPOST: Final = 0.08
CONFLICT: Final = 0.12
CONFLICT_LATER: Final = 0.01
GOAL_REVISED: Final = 0.12
GOAL_DROPPED: Final = 0.06
CONSENT: Final = 0.35
CONSENT_WITHDRAWN: Final = 0.03

SELDOM: Final = 0.35
CASE: Final = 0.03
ERASURE_REQUESTED: Final = 0.03

REVIEWED: Final = 0.82
FEEDBACK: Final = {"mentee": 0.72, "mentor": 0.48}
SECURED: Final = 0.88
