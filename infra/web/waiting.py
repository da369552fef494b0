"""What waits for a party's word in a relationship: the match, what the other side says was agreed, and what they were asked."""

from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import urlencode

from infra.access.seen import Seen, Shown
from infra.projection_engine.engine import Engine
from infra.queries.as_at import NOW
from infra.web.navigation import N_
from infra.web.relationship import answers_to_match

_ASKED: Final = {
    "nps": ("RespondToNps", N_("Say how likely you are to recommend mentoring")),
    "feedback": ("GiveFeedback", N_("Give feedback")),
}
OCCASIONS: Final = {"mid": N_("midway"), "end": N_("at the end")}


class Waiting(NamedTuple):
    """One thing that waits: what it is, more about it (a word), and the form in which to answer."""

    what: str
    about: str
    address: str


class Own(NamedTuple):
    """A relationship on a party's start page: its next session, and what waits for the party's word."""

    shown: Shown
    waiting: list[Waiting]


def own(engine: Engine, seen: Seen) -> Own:
    """The relationship as its party starts with it."""
    shown = seen.show(NOW) or {}
    return Own(shown, list(_waiting(engine, seen, shown)))


def _waiting(engine: Engine, seen: Seen, shown: Shown) -> Iterator[Waiting]:
    role = seen.asker.role
    base = f"/relationships/{seen.subject}/do"
    if shown["state"] == "contracting" and role in {"mentee", "mentor"}:
        answers = answers_to_match(seen.history(NOW))
        if role not in answers and "rapport.MatchDeclined" not in answers.values():
            yield Waiting(N_("Answer the proposed match"), "", f"{base}/RespondToMatch")
    for claim in shown.get("claims", []):
        if claim["waits_for"] == role:
            matter = claim["matter"].partition(":")[0].replace("_", " ")
            address = f"{base}/ConfirmAgreement?version={claim['version']}"
            yield Waiting(N_("Confirm what the other side says you agreed"), matter, address)
    for kind, occasion in open_requests(engine, seen.subject, role):
        command, what = _ASKED[kind]
        query = f"?{urlencode({'occasion': occasion})}" if kind == "nps" else ""
        yield Waiting(what, OCCASIONS.get(occasion, ""), f"{base}/{command}{query}")


def open_requests(engine: Engine, subject: str, role: str) -> list[tuple[str, str]]:
    """What a role was asked and has not answered: the kind (nps or feedback) and the occasion."""
    engine.catch_up()
    sql = (
        "SELECT kind, occasion, answered FROM requests WHERE relationship_id = ? AND respondent = ? "
        "AND requested_at IS NOT NULL ORDER BY requested_at, kind, occasion"
    )
    return [
        (kind, occasion) for kind, occasion, answered in engine.database.query(sql, (subject, role)) if not answered
    ]
