"""A living programme for people to look around in: made-up relationships that are under way today, and persons to look as.

The relationships of the example files ended in 2025. These began within the last months, so there is something to do today.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

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
    rapport.handler.handle([*_entries(told), *lines])
    created = [each for each in told if each["type"] == "rapport.CreateProgramme"]
    programmes = [each["subject"].partition(":")[2] for each in created]
    return _persons(rapport, created[0]["actor"].partition(":")[2], programmes)


def save(persons: Sequence[Person], file: Path) -> Path:
    """Write the persons as `RAPPORT_DEMO_PERSONS` has them."""
    lines: list[str] = []
    for person in persons:
        lines.append("[[person]]")
        # A JSON text or list of texts is one of TOML too.
        lines += [f"{name} = {json.dumps(value)}" for name, value in person._asdict().items() if value is not None]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _entries(told: Sequence[dict[str, Any]]) -> Iterator[bytes]:
    """An entry with a name for everybody who takes part: ids of the simulation are names with a mark behind."""
    writers: dict[str, str] = {}
    for message in told:
        if message["type"] == "rapport.ProposeRelationship":
            people = [message["data"][f"{role}_id"] for role in ("mentee", "mentor")]
            writers |= dict.fromkeys(people, message["actor"])
        if message["actor"].startswith("coordinator:"):
            writers.setdefault(message["actor"].partition(":")[2], message["actor"])
    offices = [actor for actor in writers.values() if actor.startswith("coordinator:")]
    for number, (id_, actor) in enumerate(sorted(writers.items())):
        entry = {
            "specversion": "1.0",
            "id": f"person-{number}",
            "source": "/examples/people",
            "type": "rapport.RegisterPerson",
            "subject": f"person:{id_}",
            "time": told[0]["time"],
            "actor": actor if actor.startswith("coordinator:") else offices[0],
            "data": {"display_name": name_of(id_)},
        }
        yield orjson.dumps(entry)


def name_of(id_: str) -> str:
    """The name that an id of the simulation was made from."""
    return " ".join(part.capitalize() for part in id_.split("-")[:-1]) or id_


def _persons(rapport: Rapport, coordinator: str, programmes: list[str]) -> list[Person]:
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
        Person(coordinator, name_of(coordinator), ["coordinator"], "Coordinator of three programmes: whom to help today.", programmes),
    ]  # fmt: skip
    for mentee, mentor in rows:
        found += [
            Person(mentee, name_of(mentee), ["mentee"], "A mentee: what is agreed, and who may know."),
            Person(mentor, name_of(mentor), ["mentor"], "Their mentor."),
        ]
    found += [
        Person("alf", "Alf Berg", ["analyst"], "Analyst: figures and datasets, nobody's name."),
        Person("ada", "Ada Okoye", ["auditor"], "Auditor: what happened and why, and whether the record is whole."),
    ]
    for actor, name, about, theirs in OF_EXAMPLES:
        role, _, id_ = actor.partition(":")
        found.append(Person(id_, name, [role], about, theirs))
    return found
