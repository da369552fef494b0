"""The golden files: one stored event of every class and version, as bytes that must stay readable for ever.

`python -m tests.infra.store.golden` writes the files that are missing, for an event or a version that is new. It never
touches a file that is there: what was stored once is never edited.
"""

import sys
import types
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel

from domain.ids import id_fields
from domain.model import Event, Known, TermSetting
from domain.registry import AGGREGATES_OF_EVENT, EVENTS
from infra.store.mapper import RapportMapper

FOLDER = Path(__file__).parent / "golden"
TIME = datetime(2026, 3, 2, 9, 30, 15, 250_000, tzinfo=UTC)
SUBJECTS = {
    "relationship": "6f1e5a52-3a0b-4a39-9d6c-0f2f6c2a9b10",
    "mentor": "mentor:ben",
    "case": "case:c1",
    "programme": "programme:p1",
    "person": "person:ana",
}
# Texts that have to follow a pattern.
TEXTS = {
    "relationship_id": SUBJECTS["relationship"],
    "recipient": "hr:hanna",
    "about": "mentor:Some.about-1",
    "to": "hr:hanna",
    "timezone": "Europe/Bucharest",
}


def file_of(event: type[Event], version: int) -> Path:
    return FOLDER / f"{event.__name__}.v{version}.json"


def stored(event: type[Event]) -> bytes:
    """An event of this class with every field filled, as the mapper stores it."""
    mapper = RapportMapper()
    recorded = mapper.envelopes[event](
        subject=SUBJECTS[AGGREGATES_OF_EVENT[event.__name__][0]],
        version=7,
        occurred_at=TIME,
        recorded_at=TIME.replace(minute=31),
        actor="coordinator:cora",
        source="/services/booking",
        message_id="bk-81f2",
        correlation_id="c-1",
        causation_id="m-1",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        known=Known(
            mentor_standing="suspended",
            terms=(TermSetting(document="statement_of_work", term="late_notice_hours", value=48),),
        ),
        data=filled(event),
    )
    return mapper.encode(recorded)[1]


def filled(model: type[BaseModel]) -> Any:
    ids = {name: TEXTS.get(name, f"Some.{name}-1") for name, namespace in id_fields(model) if namespace is not None}
    return model(**{name: value(info.annotation, name) for name, info in model.model_fields.items()} | ids)


def value(annotation: Any, name: str) -> Any:
    """A value of this type, the same each time."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return value(parts[0], name)
    if origin is Literal:
        return parts[0]
    if origin in {Union, types.UnionType}:
        return value(next(part for part in parts if part is not type(None)), name)
    if origin is tuple:
        return (value(parts[0], name),)
    if origin is dict:
        return {value(parts[0], name): value(parts[1], name)}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return filled(annotation)
    plain: dict[Any, Any] = {bool: True, int: 5, float: 1.5, datetime: TIME, AwareDatetime: TIME, date: TIME.date()}
    return plain[annotation] if annotation in plain else TEXTS.get(name, f"some {name}, ünï")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for event in EVENTS.values():
        path = file_of(event, event.VERSION)
        if not path.exists():
            path.write_bytes(stored(event))
            sys.stdout.write(f"wrote {path.name}\n")


if __name__ == "__main__":
    main()
