"""`rapport erase`: what an erasure of a person would do, and the second person's approval, which does it."""

import re
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from infra.cli.can_share import as_reader
from infra.cli.opening import login, opened
from infra.cli.output import REFUSED, USAGE, JsonOption, fail, fail_unknown, print_json, print_text
from infra.cli.subject import as_person
from infra.cli.times import shown_time

if TYPE_CHECKING:
    from infra.bootstrap import Rapport

_REQUEST = re.compile(r"(?P<subject>[^/\s]+)/(?P<version>[1-9][0-9]{0,9})")


def register(app: typer.Typer) -> None:
    """Add `erase` with its subcommands."""
    erase = typer.Typer(help="Plan and approve the erasure of a person's words.", no_args_is_help=True)
    erase.command("plan")(show_plan)
    erase.command("approve")(approve)
    app.add_typer(erase, name="erase")


def show_plan(
    person: Annotated[
        str, typer.Argument(metavar="PERSON", parser=as_person, help="The person's id; a role before it is ignored.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Show what erasing a person would destroy and keep, what stands against it, and the requests that wait for approval.

    Nothing is changed. The plan is of everything; a request in one relationship concerns that relationship alone.
    """
    from infra.queries.erasure import plan

    with opened() as rapport:
        found = plan(rapport.erasures, person, rapport.clock.now())
    if found is None:
        fail_unknown(person, person=True)
    if as_json:
        print_json(found)
    else:
        _print_plan(found)


def _print_plan(found: dict[str, Any]) -> None:
    print_text(f"erasing {found['person']} everywhere would destroy {found['keys']} keys, and with them")
    for each in found["destroys"]:
        classes = ", ".join(name.replace("_", " ") for name in each["data_classes"])
        print_text(f"  {each['subject']}: the words of {each['events']} events ({classes})", 4)
    print_text("it would keep")
    for each in found["keeps"]:
        print_text(f"  {each['what']}: {each['why']}", 4)
    if found["held"]:
        print_text("it can't be done while")
    for each in found["held"]:
        print_text(f"  {each['subject']}, event {each['version']}: {each['why']}", 4)
    print_text("requests that wait for approval" if found["requests"] else "nobody has asked for it (RequestErasure)")
    for each in found["requests"]:
        asked = f"asked by {each['by']} on {shown_time(each['at'])} ({each['basis'].replace('_', ' ')})"
        print_text(f"  {each['request']}: {asked}, to be answered by {each['answer_by']}", 4)


def _request(text: str) -> Any:
    found = _REQUEST.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no request: expected ID/VERSION, as rapport erase plan shows it")
    return found["subject"], int(found["version"])


def approve(
    request: Annotated[
        Any,
        typer.Argument(
            metavar="REQUEST", parser=_request, help="ID/VERSION of the request, as rapport erase plan shows it."
        ),
    ],
    actor: Annotated[
        Any,
        typer.Option(
            "--as",
            metavar="ROLE:ID",
            parser=as_reader,
            help="Who approves: coordinator, supplier or hr, and another person than the one who asked.",
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Approve a request to erase a person's words. The keys are destroyed at once, and nothing brings the words back.

    It records ErasePersonalData, so the same rules hold as for the message: another person than the one who asked, no legal hold, and no
    open case. Exits 1 if it is refused.
    """
    subject, version = request
    if actor.role == "public":
        fail("--as: expected the person who approves, such as hr:hanna", USAGE)
    with opened() as rapport:
        keys = rapport.keys.kept
        before = sum(1 for _ in keys.all()) if keys.exists else 0
        receipt, person = _sent(rapport, subject, version, actor)
        left = sum(1 for _ in keys.all()) if keys.exists else 0
    done = receipt.status == "accepted"
    if as_json:
        answer = {"request": f"{receipt.subject}/{version}", "person": person, "status": receipt.status}
        answer |= {"keys_destroyed": before - left}
        print_json(answer | {"problems": [problem._asdict() for problem in receipt.problems]})
    elif done:
        print_text(f"{before - left} keys of {person} are destroyed; what they sealed can't be read any more", 4)
    if not done:
        fail("; ".join(problem.message for problem in receipt.problems), REFUSED)


def _sent(rapport: "Rapport", subject: str, version: int, actor: Any) -> Any:
    """The receipt of the approval, and whom it concerns."""
    from domain.model import Actor
    from domain.relationship.commands import ErasePersonalData
    from domain.relationship.events import ErasureRequested
    from infra.intake.message import compose
    from infra.queries.subject import found_subject

    subject = found_subject(rapport.store, subject)
    asked = next((each for each in rapport.store.read(subject) if each.version == version), None)
    if asked is None or not isinstance(asked.data, ErasureRequested):
        fail(f"{subject}/{version} is no request to erase somebody: rapport erase plan PERSON shows them", USAGE)
    message = compose(
        ErasePersonalData(person=asked.data.person, request=version),
        source=f"/operator/{login()}",
        id=f"erase-{uuid4()}",
        subject=subject,
        time=rapport.clock.now(),
        actor=Actor(actor.role, actor.id),
    )
    (receipt,) = rapport.handler.handle_own([message])
    return receipt, asked.data.person
