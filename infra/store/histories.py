"""The histories of relationships in which something was corrected lately, so that the next correction need not begin anew.

Intake, workers and projections keep some. Few, for a history is large.
"""

from typing import Final

from cachetools import LRUCache

from domain.relationship.corrections import History

# So many events together; a longer history is not kept.
EVENTS_KEPT: Final = 30_000


class HistoryCache:
    """Histories as far as they are committed, so they never become wrong, only short. Which was used least goes first."""

    def __init__(self, size: int = EVENTS_KEPT) -> None:
        self._histories: LRUCache[str, History] = LRUCache(size, getsizeof=len)

    def get(self, subject: str) -> History | None:
        """The history of a subject, which counts as used now."""
        return self._histories.get(subject)

    def put(self, subject: str, history: History) -> None:
        """Keep a history, if it is not longer than all together may be."""
        if len(history) <= self._histories.maxsize:
            self._histories[subject] = history
