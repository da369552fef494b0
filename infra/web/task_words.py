"""What a task asks of a person, in plain words: what is to be done, under which rule, and the form that settles it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from domain.registry import COMMANDS, kind_of
from infra.access.standing import Asker
from infra.web.command_words import title
from infra.web.navigation import N_
from infra.web.senders import senders, to_ask

# Where a relationship is proposed; it has no address of its own yet.
PROPOSE: Final = "/relationships/new"
# What each kind of task asks for, in a sentence.
TASKS: Final[dict[str, str]] = {
    "attention": N_("Ask what is wrong: the mentee says that the mentor does not listen"),
    "case_escalation": N_("Escalate a conduct case that has waited too long"),
    "case_review": N_("Review a conduct case"),
    "commitment_concern": N_("Settle a concern about commitment"),
    "conflict": N_("Agree how a conflict of interest is kept harmless"),
    "contested": N_("Answer a contest, or put the fact right"),
    "coordinator_feedback": N_("Ask how it is going"),
    "development": N_("Record professional development"),
    "disclosure_review": N_("Review a disclosure"),
    "end_feedback": N_("Give feedback at the end"),
    "end_review": N_("Record the end review"),
    "erasure": N_("Decide on a request for erasure"),
    "feedback_concern": N_("Look into a bad answer in feedback"),
    "first_session": N_("See that the first session takes place"),
    "further_training": N_("See that a training is completed"),
    "hr_referral": N_("Take over a referral"),
    "inform_party": N_("Tell somebody who does not know yet that it ended"),
    "mentor_suspended": N_("Look after a mentee whose mentor is suspended"),
    "new_mentor": N_("Find a new mentor"),
    "out_of_contact": N_("Find out why the two are not in contact"),
    "pause_review": N_("Look at a pause: does it go on?"),
    "pause_too_long": N_("Settle a pause that has become too long"),
    "plan_end": N_("The plan is at its end: extend it or end the mentoring"),
    "problem": N_("Help with a problem that was reported"),
    "records": N_("Secure the records"),
    "report_due": N_("Share the report that was agreed"),
    "session_outcome": N_("Find out how a session went"),
    "shutdown_recommendation": N_("Decide on a recommendation to end the mentoring"),
    "stalled_match": N_("Move on a match that does not begin"),
    "terms_declined": N_("Settle documents that were declined"),
    "two_no_shows": N_("Somebody stayed away twice: find out why"),
    "unpaid_at_risk": N_("A session outside the platform may stay unpaid: settle it"),
    "winding_down": N_("Wind the mentoring down together"),
}


# Somebody may be in trouble: these are read before all others of their day.
PRESSING: Final = (
    "problem",
    "attention",
    "disclosure_review",
    "hr_referral",
    "case_escalation",
    "case_review",
    "mentor_suspended",
    "shutdown_recommendation",
    "commitment_concern",
)
# Housekeeping: these are read after all others.
CAN_WAIT: Final = frozenset(
    {"records", "report_due", "development", "further_training", "end_feedback", "end_review", "coordinator_feedback"}
)
# Whom to ask for what concerns every programme.
OF_ALL_PROGRAMMES: Final = N_("a coordinator of all programmes")


class TaskWords(NamedTuple):
    """A task for a page.

    `settles` are the forms with which the reader settles it: the address and what the button says; `asks` what else would settle it, and
    the roles that can do it.
    """

    kind: str
    what: str
    subject: str
    owner: str
    due: str | None
    since: str
    about: str | None
    mentee_id: str | None
    mentor_id: str | None
    programme_id: str | None
    clauses: tuple[str, ...]
    evidence: tuple[int, ...]
    evidence_of: str
    settles: tuple[tuple[str, str], ...]
    asks: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def rank(self) -> int:
        """Its place among those of the same day: people in trouble first, housekeeping last."""
        if self.kind in PRESSING:
            return PRESSING.index(self.kind)
        return len(PRESSING) + (self.kind in CAN_WAIT)


def task_words(task: Mapping[str, Any], asker: Asker) -> TaskWords:
    """A task of `Seen.tasks` or `Lists.tasks` for a page that somebody looks at."""
    subject = task["subject"]
    commands = [name for name in (task["settled_by"], *task["also_settled_by"]) if name in COMMANDS]
    own = [name for name in commands if asker.role in senders(subject, name)]
    asks = {name: to_ask(subject, name) for name in commands if name not in own}
    if kind_of(subject) == "person" and asker.programmes is not None:
        # What is done about a person is done in every programme at once.
        own, asks = [], dict.fromkeys(commands, (OF_ALL_PROGRAMMES,))
    return TaskWords(
        kind=task["kind"],
        what=TASKS.get(task["kind"], task["kind"]),
        subject=subject,
        owner=task["owner"],
        due=task["due"],
        since=task["since"],
        about=task["about"],
        mentee_id=task["mentee_id"],
        mentor_id=task["mentor_id"],
        programme_id=task["programme_id"],
        clauses=tuple(task["clauses"]),
        evidence=tuple(task["evidence"]),
        evidence_of=task["evidence_of"] or subject,
        settles=tuple((_address(subject, command, task), title(command)) for command in own),
        asks=tuple((title(command), whom) for command, whom in asks.items()),
    )


def _address(subject: str, command: str, task: Mapping[str, Any]) -> str:
    """The form of a command, with what the task knows filled in."""
    if command == "ProposeRelationship":
        return f"{PROPOSE}?{urlencode({'follows': subject})}" if kind_of(subject) == "relationship" else PROPOSE
    given: dict[str, str] = {}
    fields = COMMANDS[command].model_fields
    if "clause" in fields and task["clauses"]:
        given["clause"] = task["clauses"][0]
    about = task["about"] or ""
    for name in ("session_id", "goal_id", "homework_id"):
        if name in fields and about and ":" not in about:
            given[name] = about
    if "version" in fields and (version := _version(command, about, task["evidence"])):
        given["version"] = version
    path = f"/relationships/{subject}" if kind_of(subject) == "relationship" else f"/subjects/{subject}"
    return f"{path}/do/{command}" + (f"?{urlencode(given)}" if given else "")


def _version(command: str, about: str, evidence: Sequence[int]) -> str:
    """The event that a command names: of a contest its fact to be put right, or itself to be answered."""
    if command == "CorrectFact" and about.isdecimal():
        return about
    left = [str(version) for version in evidence if str(version) != about]
    return left[0] if len(left) == 1 else ""
