"""How far a run goes, and the clock that it turns on the way.

Without `until` the clock is the machine's (or the fixed one) and deadlines fire when it says so. With `until` the clock is
turned, from one event or deadline to the next; how far it was turned is kept, so that a walk that broke off goes on as
if it had not.
"""

from dataclasses import dataclass
from datetime import datetime

from domain.model import AnyRecorded
from infra.clock import Clock
from infra.store.session import StoreSession, as_time
from infra.worker_runtime.schema import CLOCK


@dataclass
class Horizon:
    """The clock, and the time to which it is turned (None: it is not). `began` is its time before it was turned."""

    clock: Clock
    until: datetime | None = None
    turned: bool = False
    began: datetime | None = None

    def __post_init__(self) -> None:
        self.began = self.began or self.clock.now()

    def end(self) -> datetime:
        """Up to when deadlines fire."""
        return self.until or self.clock.now()

    def hides(self, recorded: AnyRecorded) -> bool:
        """Whether an event lies beyond the horizon."""
        return self.until is not None and recorded.occurred_at > self.until

    def ahead(self, at: datetime) -> bool:
        """Whether the clock would have to be turned to reach a time."""
        return self.until is not None and at > self.clock.now()

    def turn(self, at: datetime) -> None:
        """Turn the clock to a time, if it isn't there yet."""
        if self.ahead(at):
            self.clock.fixed = at
            self.turned = True

    def resume(self, at: datetime | None) -> None:
        """Go on where an earlier walk broke off."""
        if at is not None and self.until is not None and at <= self.until:
            self.turn(at)

    def save(self, session: StoreSession) -> None:
        """Write down where the clock was turned to."""
        if self.turned:
            session.upsert(CLOCK.name, CLOCK.columns, CLOCK.key, [("workers", self.clock.now())])
            self.turned = False


def last_turned_to(session: StoreSession) -> datetime | None:
    """Where the clock was turned to last, if it ever was."""
    rows = session.query("SELECT turned_to FROM worker_clock WHERE name = 'workers'")
    return as_time(rows[0][0]) if rows else None
