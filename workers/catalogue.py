"""All workers, in the order in which they receive an event; it is fixed, so that every run sends the same commands in order."""

from typing import Final

from workers.attention import ATTENTION
from workers.claims import CLAIMS
from workers.closing import CLOSING
from workers.coaching import COACHING
from workers.commitment import COMMITMENT
from workers.conduct import CONDUCT
from workers.conflicts import CONFLICTS
from workers.contact import CONTACT
from workers.contests import CONTESTS
from workers.feedback import FEEDBACK
from workers.informing import INFORMING
from workers.learning import LEARNING
from workers.model import AnyWorker
from workers.pause import PAUSE
from workers.plan import PLAN
from workers.rematch import REMATCH
from workers.reporting import REPORTING
from workers.safeguarding import SAFEGUARDING
from workers.sessions import SESSIONS
from workers.stalled import STALLED
from workers.standing import STANDING
from workers.support import SUPPORT
from workers.terms import TERMS
from workers.trust import TRUST_WORKER

WORKERS: Final[tuple[AnyWorker, ...]] = (
    SAFEGUARDING,
    TRUST_WORKER,
    COMMITMENT,
    SESSIONS,
    COACHING,
    PAUSE,
    FEEDBACK,
    CONTACT,
    CONDUCT,
    STANDING,
    TERMS,
    LEARNING,
    CONFLICTS,
    SUPPORT,
    REMATCH,
    CONTESTS,
    INFORMING,
    CLOSING,
    CLAIMS,
    PLAN,
    REPORTING,
    ATTENTION,
    STALLED,
)
BY_NAME: Final = {worker.name: worker for worker in WORKERS}
