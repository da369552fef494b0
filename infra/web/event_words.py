"""What events, signals, bands and tasks are called on pages: sentences of the catalogue."""

import re
from typing import Final

from infra.web.navigation import N_

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

# What each signal of commitment health means, in a sentence about the relationship.
SIGNALS: Final[dict[str, str]] = {
    "off_goal_work": N_("Much of the sessions' time went to something else than the agreed goals."),
    "no_goal_progress": N_("Sessions went by without progress on any goal."),
    "no_goal": N_("There is no agreed goal to work on."),
    "frequent_reschedules": N_("Sessions were moved often."),
    "late_reschedules": N_("Sessions were moved or cancelled at short notice."),
    "homework_shortfall": N_("Fewer hours were worked between the sessions than was agreed."),
    "no_show": N_("Somebody stayed away from a session."),
    "unpunctual": N_("Somebody joined sessions late."),
    "no_next_session": N_("No next session is scheduled."),
    "out_of_contact": N_("The two have not been in contact for a long time."),
    "trust_breakdown": N_("Somebody reported that trust is broken."),
    "disrespect": N_("Somebody reported disrespect."),
}

BANDS: Final[dict[str, str]] = {
    "healthy": N_("healthy"),
    "watch": N_("worth watching"),
    "at_risk": N_("at risk"),
    "critical": N_("critical"),
}


def camel(name: str) -> str:
    """The name of an event or command as words: `SessionRescheduled` is "Session rescheduled"."""
    words = _CAMEL.sub(" ", name.removeprefix("rapport.")).split(" ")
    return " ".join([words[0], *(word.lower() for word in words[1:])]).replace("Nps ", "NPS ")
