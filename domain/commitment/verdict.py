"""The verdict of one signal at a moment, and how long it lasts if nothing happens."""

from typing import Final, Literal, NamedTuple

from domain.words import Party

SignalName = Literal[
    "off_goal_work",
    "no_goal_progress",
    "no_goal",
    "frequent_reschedules",
    "late_reschedules",
    "homework_shortfall",
    "no_show",
    "unpunctual",
    "no_next_session",
    "out_of_contact",
    "trust_breakdown",
    "disrespect",
]
Accountable = Party | Literal["relationship"]


class Finding(NamedTuple):
    """A signal that holds: against whom, for how many points; `inside` counts what is in its window, if it has one."""

    signal: SignalName
    party: Accountable
    points: int
    inside: int = 0


class Verdict(NamedTuple):
    """The findings of one signal. They stay as they are before the moment `until`; None: until an event or a new term.

    At `until` they may change, but need not.
    """

    findings: tuple[Finding, ...] = ()
    until: int | None = None


SILENT: Final = Verdict()
