"""A living programme for people to look around in: made-up relationships that are under way today, and persons to look as.

The relationships of the example files ended in 2025. These began within the last months, so there is something to do today.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from infra.bootstrap import Rapport
from infra.simulate.stream import Simulation

RELATIONSHIPS: Final = 60
DAYS: Final = 200
SEED: Final = 11
CODES: Final = ("pentalog", "cmn")
# Those of the example files who are worth looking as.
OF_EXAMPLES: Final = (
    ("hr:people-team", "People team", "HR at Harbour Council: conduct cases, and nothing else.", ["spark-inside"]),
    ("line_manager:asha-nair", "Asha Nair", "Line manager in the example cmn: what was agreed to be reported, and nothing else.", None),
    ("supplier:atelier-mentors", "Atelier Mentors", "Supplier of the mentoring in the example pentalog.", None),
)  # fmt: skip


class Person(NamedTuple):
    """Somebody to look as."""

    id: str
    name: str
    roles: Sequence[str]
    about: str
    programmes: Sequence[str] | None = None


def tell(rapport: Rapport) -> list[Person]:
    """Tell the living programme to a store, and return the persons to look as: one with trouble of each kind."""
    now = datetime.now(UTC)
    simulation = Simulation(RELATIONSHIPS, SEED, now - timedelta(days=DAYS), now, CODES, DAYS - 20)
    lines = list(simulation.messages())
    told = [orjson.loads(line) for line in lines]
    rapport.handler.handle(lines)
    created = [each for each in told if each["type"] == "rapport.CreateProgramme"]
    programmes = [each["subject"].partition(":")[2] for each in created]
    names = {
        each["subject"].partition(":")[2]: each["data"]["display_name"]
        for each in told
        if each["type"] == "rapport.RegisterPerson"
    }
    return _persons(rapport, created[0]["actor"].partition(":")[2], programmes, names)


def save(persons: Sequence[Person], file: Path) -> Path:
    """Write the persons as `RAPPORT_DEMO_PERSONS` has them."""
    lines: list[str] = []
    for person in persons:
        lines.append("[[person]]")
        # A JSON text or list of texts is one of TOML too.
        lines += [f"{name} = {json.dumps(value)}" for name, value in person._asdict().items() if value is not None]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _persons(rapport: Rapport, coordinator: str, programmes: list[str], names: Mapping[str, str]) -> list[Person]:
    """The coordinator of the programmes, and of the relationship with the most trouble the mentee and the mentor."""
    engine = rapport.engine()
    engine.catch_up()
    marks = ", ".join("?" * len(programmes))
    rows = engine.database.query(
        "SELECT r.mentee_id, r.mentor_id FROM relationships r JOIN commitment_health h "
        f"ON h.relationship_id = r.relationship_id WHERE r.programme_id IN ({marks}) AND r.status = 'active' ORDER BY h.score LIMIT 1",
        programmes,
    )
    found = [
        Person(coordinator, names[coordinator], ["coordinator"], "Coordinator of all programmes: whom to help today."),
    ]  # fmt: skip
    for mentee, mentor in rows:
        found += [
            Person(mentee, names[mentee], ["mentee"], "A mentee: what is agreed, and who may know."),
            Person(mentor, names[mentor], ["mentor"], "Their mentor."),
        ]
    found += [
        Person("alf", "Alf Berg", ["analyst"], "Analyst: figures and datasets, nobody's name."),
        Person("ada", "Ada Okoye", ["auditor"], "Auditor: what happened and why, and whether the record is whole."),
    ]
    for actor, name, about, theirs in OF_EXAMPLES:
        role, _, id_ = actor.partition(":")
        found.append(Person(id_, name, [role], about, theirs))
    return found
