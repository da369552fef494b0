"""`rapport can-share`: whether a reader may see a class of data of a relationship, and which clause says so."""

from typing import Annotated, Any, cast

import typer

from domain.ids import is_id
from domain.words import DATA_CLASSES, ROLES, DataClass
from infra.cli.opening import opened
from infra.cli.output import JsonOption, print_json, print_text
from infra.cli.times import AsOf


def register(app: typer.Typer) -> None:
    """Add `can-share`."""
    app.command("can-share")(show_can_share)


def _data_class(text: str) -> str:
    if text not in DATA_CLASSES:
        raise typer.BadParameter(f"{text!r} is no data class: expected one of {', '.join(DATA_CLASSES)}")
    return text


def as_reader(text: str) -> Any:
    """A reader as `role:id`, or the public; a wrong one ends the command with exit code 2."""
    from domain.sharing.question import PUBLIC, Reader

    if text == "public":
        return PUBLIC
    role, colon, id_ = text.partition(":")
    if role not in ROLES or not colon or not is_id(id_):
        raise typer.BadParameter(f"{text!r} is no reader: expected role:id, such as coordinator:cora, or public")
    return Reader(role, id_)  # type: ignore[arg-type]


def show_can_share(
    data_class: Annotated[
        str,
        typer.Argument(metavar="DATA_CLASS", parser=_data_class, help="Such as goals, feedback or session_content."),
    ],
    relationship: Annotated[str, typer.Option(metavar="ID", help="The UUID of the relationship.")],
    to: Annotated[
        Any, typer.Option("--to", metavar="ROLE:ID", parser=as_reader, help="Who asks and in which role; or public.")
    ],
    version: Annotated[
        int | None, typer.Option(min=1, help="Of this event; without it, of the class as it is shown to that reader.")
    ] = None,
    as_of: AsOf = None,
    as_json: JsonOption = False,
) -> None:
    """Show whether somebody may see a class of data of a relationship, the clause that decides, and why.

    Consents, agreements and presence count as they are now, or were by --as-of. A relationship in which the reader has no part is
    answered like one that does not exist.
    """
    from infra.queries.as_at import Moment
    from infra.queries.sharing import Question, can_share

    question = Question(cast("DataClass", data_class), version)
    with opened() as rapport:
        store, now = rapport.store, rapport.clock.now()
        answer = can_share(store, rapport.engine, relationship.lower(), to, question, Moment(as_of), now)
    if as_json:
        print_json(answer.in_words())
    else:
        clause = f" ({answer.clause})" if answer.clause else ""
        print_text(f"{'yes' if answer.allowed else 'no'}{clause}: {answer.why}", 4)
