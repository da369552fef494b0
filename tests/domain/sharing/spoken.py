"""The matrix said again, reader by reader in plain sentences, to hold the table of the domain against.

Nothing here comes from `domain.sharing`: it is written from the rules. A `Case` is one combination of everything that may decide.
"""

from functools import cache
from typing import NamedTuple

COURSE = {
    "attendance",
    "schedule",
    "time_spent",
    "goal_presence",
    "goal_types",
    "goal_outcomes",
    "process_improvement",
}
ALL_CODES = ("pentalog", "mentor247", "cmn", "leapfrog", "nottingham")


# Of which codes which clauses speak about a class, as the table names them; and what they say of all that people say.
CLAUSES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(COURSE, ("pentalog.mentor-free", "cmn.outputs", "leapfrog.confidentiality")),
    **dict.fromkeys(("goals", "challenges"), ("pentalog.mentor-with-consent", "leapfrog.confidentiality")),
    "nps_score": ("pentalog.mentor-free", "pentalog.mentor-with-consent"),
    "feedback": ("nottingham.coordinator-feedback", "cmn.end-feedback", "pentalog.mentor-with-consent"),
    "nps_comment": ("pentalog.mentor-with-consent",),
    "testimonial": ("pentalog.mentor-with-consent", "pentalog.supplier-with-consent"),
    "success_story": ("pentalog.supplier-with-consent",),
    "session_content": (
        "pentalog.session-content",
        "mentor247.confidentiality",
        "nottingham.confidentiality",
        "leapfrog.confidentiality",
    ),
    "contact_details": ("nottingham.contact-details",),
    "assessment": ("pentalog.assessment-visible",),
    "profile": ("nottingham.profile",),
    "safeguarding": ("nottingham.confidentiality", "cmn.disclosure", "cmn.breaches"),
}
GENERAL = ("leapfrog.confidentiality", "nottingham.confidentiality", "cmn.confidentiality-level")


class Case(NamedTuple):
    """`author` is the role that said the event (None: the class is asked about, no event); `consents` are pairs of who lets whom.

    `about` is the party whom feedback is about, `report` what a report is of (a problem, a breach).
    """

    reader: str
    data_class: str
    codes: frozenset[str]
    author: str | None = None
    consents: frozenset[tuple[str, str]] = frozenset()
    agreed: frozenset[str] = frozenset()  # the roles with whom sharing the class is agreed with the mentee's word
    reported: frozenset[str] = frozenset()  # those to whom it is an agreed output, with the mentee's word
    present: bool = False
    told: bool = False
    sensitive: bool = False
    in_case: bool = False
    about: str | None = None
    report: str = ""

    @property
    def is_settled(self) -> bool:
        return self.reader in self.agreed or self.reader in self.reported

    def lets(self, who: str) -> bool:
        return (who, self.reader) in self.consents


def allowed(case: Case) -> bool:
    """Whether the rules let this reader see it."""
    if case.data_class == "safeguarding" and case.told:
        return True  # a recorded disclosure is always shown to its recipient
    return READERS[case.reader](case)


def cited(case: Case) -> set[str | None]:
    """The clauses of which one must stand behind the answer: of a code that closes it, where it is closed; None where no code says anything."""
    if case.data_class in {"operational", "identity"}:
        return {None}
    if case.reader == "coordinator" and case.data_class == "feedback" and "nottingham" in case.codes:
        return {"nottingham.coordinator-feedback"}
    what, codes = (case.reader, case.data_class, case.sensitive), case.codes
    names_a_code = case.data_class in COURSE or case.data_class == "session_content"
    if names_a_code and len(codes) > 1 and not allowed(case):
        closing = frozenset(code for code in codes if not allowed(case._replace(codes=frozenset({code}))))
        return _speaking(*what, closing) or _speaking(*what, codes) or {None}
    return _speaking(*what, codes) or {None}


@cache
def _speaking(reader: str, data_class: str, sensitive: bool, codes: frozenset[str]) -> set[str | None]:
    listed: list[tuple[str, ...]] = [CLAUSES.get(data_class, ())]
    if sensitive:
        listed.insert(0, ("pentalog.sensitive",))
    if reader == "line_manager":
        listed.append(("cmn.outputs",))
    for clauses in (*listed, GENERAL):
        if found := {clause for clause in clauses if clause.partition(".")[0] in codes}:
            return {*found}
    return set()


def party(case: Case) -> bool:
    me, other = case.reader, {"mentee": "mentor", "mentor": "mentee"}[case.reader]
    mine = case.author == me
    if case.data_class in COURSE | {"operational", "identity", "goals", "challenges", "success_story", "process"}:
        return True
    if case.data_class == "session_content":
        return case.present
    if case.data_class == "contact_details":
        return mine or case.lets(case.author or other)
    if case.data_class == "assessment":
        return me == "mentee" or case.lets("mentee")
    if case.data_class == "profile":
        return case.lets("mentor") if me == "mentee" else (mine or case.author is None)
    if case.data_class == "nps_score" and me == "mentor":
        return mine or case.lets(case.author or "mentee")
    if case.data_class == "feedback" and case.about == me:
        return True
    # One's own answers, comments, praise, feedback and reports.
    return mine or case.author is None


def course(case: Case, usually: bool) -> bool:
    """Facts of the course: leapfrog is stricter than everybody else."""
    strict = case.is_settled or case.lets("mentee")
    if case.codes == {"leapfrog"}:
        return strict
    return usually and (strict or "leapfrog" not in case.codes)


def spoken(case: Case, who_is_told: bool = True) -> bool:
    """What was said in a session, to people who were not there."""
    if case.sensitive:
        return who_is_told and case.told and case.reader in {"coordinator", "hr"}
    lax = case.codes & {"leapfrog", "cmn"} and not case.codes & {"pentalog", "mentor247", "nottingham"}
    return case.told or bool(lax and (case.is_settled or case.lets("mentee")))


def giver_lets(case: Case) -> bool:
    if case.author is None:
        return any(case.lets(giver) for giver in ("mentee", "mentor", "customer"))
    return case.author == case.reader or case.lets(case.author)


def customer(case: Case) -> bool:
    match case.data_class:
        case "operational" | "identity" | "success_story":
            return True
        case "goals" | "challenges":
            return case.is_settled or case.lets("mentee")
        case "nps_score":
            return case.author is None
        case "feedback" | "nps_comment":
            return giver_lets(case)
        case "testimonial" | "assessment":
            return case.lets("mentee")
        case "session_content":
            return spoken(case)
        case name if name in COURSE:
            return course(case, case.codes == {"pentalog"} or case.is_settled or case.lets("mentee"))
        case _:
            return False


def line_manager(case: Case) -> bool:
    match case.data_class:
        case "identity":
            return True
        case "operational":
            return case.author is None
        case "goals" | "challenges":
            return case.is_settled
        case "testimonial" | "assessment":
            return case.lets("mentee")
        case "session_content":
            return spoken(case)
        case name if name in COURSE:
            return course(case, case.is_settled)
        case _:
            return False


def supplier(case: Case) -> bool:
    match case.data_class:
        case "contact_details" | "assessment" | "profile" | "process":
            return True
        case name if name in COURSE:
            return course(case, True)
        case _:
            return customer(case)


def coordinator(case: Case) -> bool:
    match case.data_class:
        case "feedback" if "nottingham" in case.codes:
            return True
        case "goals" | "challenges" if case.told:
            return True
        case "safeguarding" if case.report == "problem":
            return True
        case _:
            return supplier(case)


def hr(case: Case) -> bool:
    match case.data_class:
        case "goals" | "challenges":
            return case.told
        case "session_content":
            return spoken(case)
        case name if name in COURSE:
            return course(case, False)
        case "operational" | "identity":
            return case.in_case
        case "safeguarding":
            return case.in_case and case.report == "breach"
        case _:
            return False


def service(case: Case) -> bool:
    if case.data_class in COURSE:
        return course(case, True)
    return case.data_class in {"operational", "identity"}


def analyst(case: Case) -> bool:
    if case.data_class in {"identity", "nps_score", "feedback"}:
        return case.author is None  # pseudonyms, figures
    return service(case)


def auditor(case: Case) -> bool:
    granted = case.lets("mentee")
    match case.data_class:
        case "operational":
            return True
        case "identity":
            return case.author is None
        case "contact_details" | "profile" | "safeguarding" | "process":
            return False
        case "session_content" if case.sensitive:
            return False
        case name if name in COURSE:
            return course(case, granted)
        case "feedback" | "nps_comment" | "nps_score" | "testimonial" | "session_content" | "success_story":
            return case.lets("mentor") if case.author == "mentor" else granted
        case _:
            return granted


def public(case: Case) -> bool:
    match case.data_class:
        case "profile":
            return case.lets("mentor")
        case "testimonial":
            return case.lets("mentee") and case.lets("customer")
        case "success_story":
            return case.lets("customer")
        case _:
            return False


READERS = {
    "mentee": party,
    "mentor": party,
    "customer": customer,
    "line_manager": line_manager,
    "supplier": supplier,
    "coordinator": coordinator,
    "hr": hr,
    "service": service,
    "analyst": analyst,
    "auditor": auditor,
    "public": public,
}
