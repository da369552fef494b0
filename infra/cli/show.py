"""`rapport show` and `rapport history`: one relationship, mentor, case, programme or person, now, at another moment, or event by event."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from infra.cli.can_share import as_reader
from infra.cli.opening import login, opened
from infra.cli.output import (
    USAGE,
    AllOption,
    JsonOption,
    capped,
    fail,
    fail_unknown,
    print_json,
    print_rest,
)
from infra.cli.subject_text import print_event, print_other, print_relationship, print_seen, print_words
from infra.cli.times import AsOf, KnownAt

if TYPE_CHECKING:
    from domain.model import AnyRecorded
    from domain.sharing.question import Reader
    from infra.bootstrap import Rapport
    from infra.projection_engine.engine import Engine
    from infra.queries.as_at import Moment

WHY_MAX: Final = 500


def _a_reason(text: str) -> str:
    from domain.model import is_blank

    if is_blank(text) or len(text) > WHY_MAX:
        raise typer.BadParameter(f"expected why the words are read, in at most {WHY_MAX} characters")
    return text


IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A relationship's UUID, or mentor:ID, case:ID, programme:ID, person:ID.")
]

AsReader = Annotated[
    Any,
    typer.Option(
        "--as",
        metavar="ROLE:ID",
        parser=as_reader,
        help="A preview of what this reader would see, without words; with --reveal with the words that they may read.",
    ),
]
Reveal = Annotated[
    str | None,
    typer.Option(
        metavar="WHY", parser=_a_reason, help="Show words too; who read them, when and for this reason is recorded."
    ),
]


def register(app: typer.Typer) -> None:
    """Add `show` and `history`."""
    app.command("show")(show)
    app.command("history")(show_history)


def show(
    subject: IdArgument,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    version: Annotated[int | None, typer.Option(min=1, help="As it was after this event.")] = None,
    reader: AsReader = None,
    reveal: Reveal = None,
    every: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show a subject's state, terms, sessions, goals, open concerns and unmet gates.

    Words are shown as sealed, with their clause, unless --reveal says why they are read; see `rapport reads`. With --as it is shown
    as that reader sees it now.
    """
    from infra.queries.as_at import Moment, counting
    from infra.queries.subject import found_subject
    from infra.queries.subject_words import holding, with_words

    with opened() as rapport:
        subject = found_subject(rapport.store, subject)
        last = rapport.store.heads([subject])[subject].version
        if version is not None and version > last > 0 and reader is None:
            fail(f"{subject} has no version {version}; its last one is {last}", USAGE)
        moment, now = Moment(as_of, known_at, version), rapport.clock.now()
        whole = _whole if reader is None else _seen
        shown = whole(rapport, subject, moment, now, reader)
        if shown is None and (not last or reader is not None):
            fail_unknown(subject)
        if shown is None:
            fail(f"{subject} did not exist, or was not known, by then", USAGE)
        events = holding(counting(rapport.store.read(subject), moment))
        shown = with_words(shown, events, _judged(rapport, subject, events, reader, reveal, now))
    if as_json:
        print_json(shown)
    elif reader is not None:
        print_seen(shown)
    elif shown["kind"] == "relationship":
        print_relationship(shown, every=every)
    else:
        print_other(shown, every=every)
    if reveal is not None and not as_json:
        print_words(shown)


def _whole(rapport: "Rapport", subject: str, moment: "Moment", now: datetime, _: object) -> dict[str, Any] | None:
    """The subject as its operator sees it, without its words."""
    from infra.cli.projecting import Watching
    from infra.queries.subject import (
        health_and_tasks,
        mentor_relationships,
        person_relationships,
        show_subject,
        show_unrecorded,
    )

    def engine() -> "Engine":
        return rapport.engine(Watching(aloud=False))

    shown = show_subject(rapport.store, subject, moment, now)
    if shown is None and moment.version is None:
        shown = show_unrecorded(engine(), subject, moment, now)
    if shown is None:
        return None
    if shown["kind"] == "relationship":
        return shown | health_and_tasks(rapport.store, subject, moment, now)
    if shown["kind"] == "mentor":
        return shown | mentor_relationships(engine(), subject, moment)
    if shown["kind"] == "person":
        return shown | {"relationships": person_relationships(engine(), shown["id"].partition(":")[2])}
    return shown


def _seen(rapport: "Rapport", subject: str, moment: "Moment", now: datetime, reader: "Reader") -> dict[str, Any] | None:
    """The subject as a reader sees it, without its words; None where they have no part in it."""
    from infra.access.others import MayNot, case, mentor
    from infra.access.seen import Seen
    from infra.access.standing import Asker, stands_in
    from infra.projection_engine.pseudonyms import Pseudonyms
    from infra.queries.preview import history_as
    from infra.queries.sharing import first_spelling

    asker = Asker(first_spelling(rapport.store, reader), None)
    kind, colon, id_ = subject.partition(":")
    if kind == "mentor":
        pseudonyms = Pseudonyms(rapport.store.identity.secret)
        with suppress(MayNot):
            return mentor(rapport.engine(), asker, id_, pseudonyms, moment, now)
        return None
    if kind == "case":
        return case(rapport.engine(), asker, id_, moment, now)
    if colon:
        may_know = history_as(rapport.store, rapport.engine, subject, reader, moment, now)
        return _whole(rapport, subject, moment, now, None) if may_know else None
    if not stands_in(rapport.store, rapport.engine, asker, subject):
        return None
    seen = Seen.of(rapport.store, rapport.engine, asker, subject, now)
    return None if seen is None else seen.show(moment)


def _judged(
    rapport: "Rapport",
    subject: str,
    events: "Sequence[AnyRecorded]",
    reader: "Reader | None",
    why: str | None,
    now: datetime,
) -> dict[int, dict[str, Any]]:
    """The data of events: read for a reason, previewed for a reader, or sealed."""
    from infra.queries.as_at import state_at
    from infra.queries.preview import data_as
    from infra.queries.reading import Reading, read_content
    from infra.queries.sealed import sealed

    if why is not None:
        reading = Reading.by_operator(login(), why, reader)
        return read_content(rapport.store, rapport.engine, reading, subject, now, events)
    if reader is not None:
        return data_as(rapport.store, rapport.engine, subject, reader, events, now)
    codes = getattr(state_at(rapport.store.read(subject)), "codes", ()) if ":" not in subject else ()
    return {event.version: sealed(event, codes) for event in events}


def show_history(
    subject: IdArgument,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    reader: AsReader = None,
    reveal: Reveal = None,
    every: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the events of a subject in order, each with its place in the hash chain; content is shown as sealed, with its clause.

    With --reveal the words are shown, and that they were read is recorded. With --as it also says whether that reader may see it;
    what happened in confidence is there with its times alone. Of a subject in which the reader has no part nothing is recorded for them.
    """
    from infra.queries.as_at import Moment
    from infra.queries.history import history
    from infra.queries.preview import history_as, history_read
    from infra.queries.reading import Reading
    from infra.queries.subject import found_subject

    with opened() as rapport:
        store, now = rapport.store, rapport.clock.now()
        subject, moment = found_subject(store, subject), Moment(as_of, known_at)
        if reveal is not None:
            reading = Reading.by_operator(login(), reveal, reader)
            entries = history_read(store, rapport.engine, subject, reading, moment, now)
        elif reader is None:
            entries = history(store, subject, moment)
        else:
            entries = history_as(store, rapport.engine, subject, reader, moment, now)
        is_unknown = reader is not None or not store.heads([subject])[subject].version
    if not entries and is_unknown:
        fail_unknown(subject)
    if not entries:
        fail(f"{subject} did not exist, or was not known, by then", USAGE)
    if as_json:
        print_json(entries)
        return
    shown, left = capped(entries, every=every)
    for entry in shown:
        print_event(entry)
    print_rest(left)
