"""Whose data may be stored and not used (RestrictProcessing): no notification, no report and no export has it until that is lifted."""

from typing import Final

from infra.store.session import Database

_RESTRICTED, _LIFTED = "ProcessingRestricted", "RestrictionLifted"
_SQL: Final = """
    SELECT originator_id, topic FROM stored_events
    WHERE originator_id >= 'person:' AND originator_id < 'person;' AND topic IN (?, ?)
    ORDER BY originator_id, originator_version
"""


def restricted(database: Database) -> frozenset[str]:
    """The ids of the people whose data may not be used now, in small letters."""
    latest = {
        subject.partition(":")[2].lower(): topic for subject, topic in database.query(_SQL, (_RESTRICTED, _LIFTED))
    }
    return frozenset(person for person, topic in latest.items() if topic == _RESTRICTED)
