"""Tell what happens in a relationship, in messages, the shortest way that the texts allow."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tests.e2e.contract.health import Health
from tests.e2e.contract.outside import Rapport, days, iso, minutes

PARTIES = ("mentee", "mentor")
CODES = ("pentalog", "mentor247", "cmn", "leapfrog", "nottingham")
TOPICS = (
    "confidentiality",
    "process",
    "invitation_to_share",
    "realistic_results",
    "questions_and_feedback",
    "expectations",
    "boundaries",
    "what_mentoring_is_not",
    "mentor_role",
    "termination",
    "complaints_procedure",
    "ways_of_working",
)
# What contracting takes, each with who says it: all of it meets the gates of all five codes.
CONTRACTING: dict[str, tuple[str, str, dict[str, Any]]] = {
    "goal": (
        "AgreeGoal",
        "mentee",
        {"goal_id": "g1", "title": "Lead a team", "type": "career", "source": "mentee", "agreed_by": list(PARTIES)},
    ),
    "mentee trusts": ("StateTrustReadiness", "mentee", {"ready": True}),
    "mentor trusts": ("StateTrustReadiness", "mentor", {"ready": True}),
    "code": ("AcceptTerms", "mentor", {"document": "code_of_conduct", "version": "1"}),
    "terms of use": ("AcceptTerms", "mentor", {"document": "terms_of_use", "version": "1"}),
    "privacy": ("AcceptTerms", "mentor", {"document": "privacy_policy", "version": "1"}),
    "conflicts": ("DeclareConflictOfInterest", "mentor", {"nature": "none"}),
    "training": ("ConfirmMentorTraining", "coordinator", {"course": "Mentoring", "completed_on": "2025-01-15"}),
    "plan": (
        "AgreePlan",
        "mentee",
        {
            "sessions": 6,
            "minutes": 60,
            "every_days": 14,
            "starts_on": "2026-01-01",
            "ends_on": "2026-12-31",
            "channel": "platform",
        },
    ),
    "confidentiality": (
        "AgreeConfidentiality",
        "mentee",
        {
            "shared": [
                {"data_class": "attendance", "audience": "line_manager", "how": "by e-mail", "when": "each month"}
            ],
            "not_shared": ["session_content"],
        },
    ),
    "reporting": ("AgreeReporting", "mentee", {"with_whom": "line_manager", "outputs": ["attendance"]}),
    "conversation": ("RecordContractingConversation", "mentor", {"held_at": None, "covered": list(TOPICS)}),
}


def encode(value: object) -> str:
    """Times and days as the messages write them."""
    if isinstance(value, datetime):
        return iso(value)
    assert isinstance(value, date), value
    return value.isoformat()


@dataclass
class World:
    """All that one module tells to one store, in the order told, and the receipts once it is submitted."""

    rapport: Rapport
    name: str
    begins: datetime
    lines: list[bytes] = field(default_factory=list)
    receipts: list[Any] = field(default_factory=list)
    _told: int = 0
    _submitted: int = 0

    def number(self) -> int:
        """A number that nothing else in this world has."""
        self._told += 1
        return self._told

    def uuid(self) -> str:
        return str(uuid5(NAMESPACE_URL, f"{self.name}/{self.number()}"))

    def line(self, raw: bytes) -> int:
        """Say one line as it stands; the answer is the place of its receipt."""
        self.lines.append(raw)
        return len(self.lines) - 1

    def send(self, message: Mapping[str, Any]) -> int:
        return self.line(json.dumps(message, default=encode).encode())

    def message(self, command: str, subject: str, actor: str, when: datetime, **data: Any) -> dict[str, Any]:
        """A message of its own id, not yet sent."""
        return {
            "specversion": "1.0",
            "id": f"{self.name}-{self.number()}",
            "source": "/tests/contract",
            "type": f"rapport.{command}",
            "subject": subject,
            "time": when,
            "actor": actor,
            "data": data,
        }

    def say(self, command: str, subject: str, actor: str, when: datetime, **data: Any) -> int:
        return self.send(self.message(command, subject, actor, when, **data))

    def submit(self, clock: datetime | None = None) -> None:
        """Hand in what was told since the last time."""
        waiting = self.lines[self._submitted :]
        self._submitted = len(self.lines)
        self.receipts += self.rapport.submit(waiting, clock)

    def status(self, sent: int) -> str:
        status: str = self.receipts[sent]["status"]
        return status

    def problems(self, sent: int) -> list[Any]:
        problems: list[Any] = self.receipts[sent]["problems"]
        return problems

    def clauses(self, sent: int) -> set[str]:
        """The clauses that spoke, of a message that the rules refused."""
        assert self.status(sent) == "refused", self.receipts[sent]
        return {problem["clause"] for problem in self.problems(sent) if problem["clause"]}

    def codes(self, sent: int) -> set[str]:
        return {problem["code"] for problem in self.problems(sent)}

    def fields(self, sent: int) -> set[str]:
        return {problem["field"] or "" for problem in self.problems(sent)}

    def events(self, sent: int) -> list[str]:
        """The names of the events that an accepted message recorded."""
        assert self.status(sent) == "accepted", self.receipts[sent]
        return [event["type"].removeprefix("rapport.") for event in self.receipts[sent]["events"]]

    def versions(self, sent: int) -> list[int]:
        assert self.status(sent) == "accepted", self.receipts[sent]
        return [event["version"] for event in self.receipts[sent]["events"]]

    def accepted(self, *sent: int) -> bool:
        refused = [self.receipts[one] for one in sent if self.status(one) != "accepted"]
        assert not refused
        return True

    def relationship(self, *codes: str, when: datetime | None = None, **proposal: Any) -> "Story":
        """A proposed relationship whose parties belong to no other one."""
        story = Story(self, when or self.begins, proposal)
        if codes:
            story.proposal["codes"] = list(codes)
        story.propose()
        return story

    def programme(self, **terms: float) -> str:
        """A new programme whose master agreement sets these terms from the beginning."""
        name = f"terms-{self.number()}"
        subject, supplier = f"programme:{name}", "supplier:s"
        self.say("CreateProgramme", subject, supplier, self.begins, name=name)
        for term, value in terms.items():
            setting = {"document": "master_agreement", "term": term, "value": value}
            self.say("SetTerm", subject, supplier, self.begins, **setting)
        return name

    def contracted(
        self, *codes: str, when: datetime | None = None, without: Sequence[str] = (), **proposal: Any
    ) -> "Story":
        """One with everything agreed but what is named."""
        story = self.relationship(*codes, when=when, **proposal)
        for what in CONTRACTING:
            if what not in without:
                story.agree(what)
        if "cmn" in codes and "reporting" not in without and story.proposal.get("line_manager_id"):
            # The line manager's word, in their own name.
            words = CONTRACTING["reporting"][2]
            story.say("AgreeReporting", "line_manager", **words)
        return story

    def active(
        self, *codes: str, since: datetime | None = None, without: Sequence[str] = (), **proposal: Any
    ) -> "Story":
        """One that was contracted the day before and activated at that time."""
        since = since or self.begins + days(1)
        story = self.contracted(*codes, when=since - days(1), without=without, **proposal)
        story.activated = story.say("ActivateRelationship", when=since)
        return story


class Story:
    """One relationship, its parties, and what they say."""

    def __init__(self, world: World, when: datetime, proposal: dict[str, Any]) -> None:
        number = world.number()
        self.world = world
        self.when = when
        self.subject = world.uuid()
        self.mentee = f"mentee:ana-{number}"
        self.mentor = f"mentor:ben-{number}"
        self.customer = f"customer:acme-{number}"
        self.line_manager = f"line_manager:lou-{number}"
        self.supplier = f"supplier:sup-{number}"
        self.coordinator = "coordinator:cora"
        self.hr = "hr:eva"
        self.service = "service:booking"
        self.worker = "worker:tests"
        self.analyst = "analyst:ada"
        self.auditor = "auditor:odd"
        self.proposed = -1
        self.activated = -1
        self.proposal: dict[str, Any] = {
            "programme_id": f"{world.name}-programme",
            **{f"{role}_id": self.party(role) for role in ("mentee", "mentor", "customer", "line_manager", "supplier")},
            **proposal,
        }
        self.proposal = {name: value for name, value in self.proposal.items() if value is not None}
        for role in ("mentee", "mentor", "customer", "line_manager", "supplier"):
            if proposal.get(f"{role}_id"):
                setattr(self, role, f"{role}:{proposal[f'{role}_id']}")

    def party(self, role: str) -> str:
        """The id of who has this role."""
        return self.actor(role).partition(":")[2]

    def actor(self, role: str) -> str:
        actor: str = getattr(self, role)
        return actor

    def propose(self) -> int:
        self.proposed = self.say("ProposeRelationship", "coordinator", **self.proposal)
        return self.proposed

    def agree(self, what: str) -> int:
        command, role, data = CONTRACTING[what]
        data = {name: self.when if value is None else value for name, value in data.items()}
        return self.say(command, role, **data)

    def message(self, command: str, role: str = "mentee", when: datetime | None = None, **data: Any) -> dict[str, Any]:
        actor = role if ":" in role else self.actor(role)
        return self.world.message(command, self.subject, actor, when or self.when, **data)

    def say(self, command: str, role: str = "mentee", when: datetime | None = None, **data: Any) -> int:
        """One message of this relationship; without a time, at the time of the one before."""
        self.when = when or self.when
        return self.world.send(self.message(command, role, self.when, **data))

    def schedule(
        self, session: str, starts: datetime, when: datetime | None = None, role: str = "mentee", **data: Any
    ) -> int:
        """A session of an hour on the platform; without a time, asked for three days before."""
        data = {"channel": "platform", "minutes": 60, **data}
        return self.say("ScheduleSession", role, when or starts - days(3), session_id=session, starts_at=starts, **data)

    def move(self, session: str, starts: datetime, when: datetime, role: str = "mentee", **data: Any) -> int:
        data = {"reason": "travel", **data}
        return self.say("RescheduleSession", role, when, session_id=session, starts_at=starts, **data)

    def cancel(self, session: str, when: datetime, role: str = "mentee", **data: Any) -> int:
        return self.say("CancelSession", role, when, session_id=session, reason="travel", **data)

    def complete(self, session: str, starts: datetime, role: str = "mentor", **data: Any) -> int:
        """A session held as scheduled: an hour, both there in time, all of it on the goal."""
        ends = starts + minutes(60)
        data = {
            "started_at": starts,
            "ended_at": ends,
            "present": list(PARTIES),
            "joined": dict.fromkeys(PARTIES, starts),
            "agenda": [item("the goal", 60, goal_id="g1")],
            "call_to_action": "Write it down",
            "camera_on": True,
            **data,
        }
        return self.say("CompleteSession", role, data["ended_at"], session_id=session, **data)

    def held(self, session: str, starts: datetime, **data: Any) -> int:
        """Scheduled three days before, and completed."""
        self.schedule(session, starts)
        return self.complete(session, starts, **data)

    def missed(self, session: str, starts: datetime, *absent: str) -> int:
        """Scheduled three days before, and missed; told at its end by the other or by the service."""
        self.schedule(session, starts)
        return self.say("RecordNoShow", "service", starts + minutes(60), session_id=session, absent=list(absent))

    def pause(self, when: datetime, **data: Any) -> int:
        data = {
            "reason": "parental leave",
            "informed": list(PARTIES),
            "next_steps": "Meet again in autumn",
            "review_on": (when + days(30)).date(),
            **data,
        }
        return self.say("PauseRelationship", "mentee", when, **data)

    def resume(self, when: datetime) -> int:
        return self.say("ResumeRelationship", "mentee", when, informed=list(PARTIES))

    def terminate(self, when: datetime, role: str = "mentee", **data: Any) -> int:
        data = {"reason": "goals_met", "informed": list(PARTIES), "next_steps": "Go on alone", **data}
        return self.say("TerminateRelationship", role, when, **data)

    def told(self) -> list[str]:
        """The commands that were sent to it so far, in order."""
        sent = [json.loads(line) for line in self.world.lines if self.subject.encode() in line]
        return [message["type"].removeprefix("rapport.") for message in sent if message["subject"] == self.subject]

    def history(self) -> list[Any]:
        return self.world.rapport.history(self.subject)

    def show(self, *options: str) -> Any:
        return self.world.rapport.show(self.subject, *options)

    def health(self, when: datetime) -> Health:
        """Its row of the list of all at that time."""
        rows = self.world.rapport.ask("health", "--as-of", iso(when))
        found = [row for row in rows if row["relationship_id"] == self.subject]
        assert len(found) == 1, self.subject
        return Health(found[0])


def item(topic: str, length: int, *, set_by: str = "mentee", urgent: bool = False, **data: Any) -> dict[str, Any]:
    """One item of a session's agenda, in minutes."""
    return {"topic": topic, "set_by": set_by, "minutes": length, "urgent_concern": urgent, **data}
