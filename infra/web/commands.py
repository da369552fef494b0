"""A form for every command that a visitor may send about a relationship, and what came of it, said in place."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool

from domain.model import Command as CommandModel
from domain.registry import COMMANDS, EVENTS
from domain.relationship.contests import CORRECTABLE
from domain.relationship.permissions import may_send
from infra.access.seen import Seen, Shown
from infra.http.asking import Desk, DeskOf
from infra.http.problems import not_found
from infra.intake.receipt import Receipt
from infra.queries.as_at import NOW
from infra.sealing.errors import KeysRefused
from infra.web.command_form import Field, Setting, data_of, fields_of, given_by, given_in, time_of, version_of
from infra.web.command_words import about, label, title
from infra.web.errors import PageRoute
from infra.web.form import Form, FormOf
from infra.web.names import names_of
from infra.web.navigation import N_
from infra.web.page import page, see_other
from infra.web.relationship import ASSIGNED, CONTEST, persons
from infra.web.sending import ALREADY_SENT, Command, Trouble, send, troubles
from infra.web.session import notice
from infra.web.subject_seen import READ_BY_A_PARTY, SeenOf, shown_with_words, with_words
from infra.web.suggestions import only_choice, suggested
from infra.web.visitor import ForOthers, Visitor, VisitorOf
from infra.web.zones import moment_of, zone_of

router = APIRouter(route_class=PageRoute)
NamePath = Annotated[str, Path(alias="command", max_length=60)]
REASON = "correction_reason"
# Commands that plan what is to come, and the field by which somebody means a time that is over all the same.
PLANNING = frozenset({"ScheduleSession", "RescheduleSession"})
PAST = "in_the_past"
HAPPENED = "happened_at"
# Commands about one entry of the record: who sends one sees what the entry says.
OF_AN_ENTRY = frozenset({"ConfirmAgreement", "ContestFact", "AnswerContest"})


class Filled(NamedTuple):
    """A form to show: what is filled in, what was wrong with it, and, where it was too late, what changed."""

    given: Mapping[str, Sequence[str]]
    wrong: Sequence[Trouble] = ()
    changed: Sequence[Shown] = ()


def known_command(visitor: Visitor, name: str) -> type[CommandModel]:
    """The command of a path.

    Raises:
        HttpProblem: There is no such command, or the visitor's role may not send it.
    """
    command = COMMANDS.get(name)
    if command is None:
        raise not_found()
    if visitor.role not in may_send(command):
        raise ForOthers(may_send(command))
    return command


@router.get("/relationships/{id}/do/{command}")
def form(request: Request, at: DeskOf, visitor: VisitorOf, seen: SeenOf, name: NamePath) -> Response:
    """The form of a command; fields that the address names are filled in."""
    command = known_command(visitor, name)
    given = {each: request.query_params.getlist(each) for each in request.query_params}
    if name == "CorrectFact":
        version = version_of(given.get("version", [""])[0])
        if version is not None:
            return _correction(request, at, visitor, seen, version, Filled({}))
        fields = fields_of(command, _setting(request, at, seen, visitor), given)
        return _page(request, at, visitor, seen, command, Filled(given), fields=fields[:1], chooses=True)
    return _page(request, at, visitor, seen, command, Filled(given))


form.any_query = True  # type: ignore[attr-defined]


@router.post("/relationships/{id}/do/{command}")
async def sent(
    request: Request, at: DeskOf, visitor: VisitorOf, seen: SeenOf, name: NamePath, form: FormOf
) -> Response:
    """Send the command; what is refused is shown in the form, with the reasons."""
    command = known_command(visitor, name)
    data = await run_in_threadpool(_data, request, at, seen, visitor, command, form)
    sent = command_of(name, seen.subject, data, form)
    if name in PLANNING and form.text(PAST) != "yes" and _is_past(data.get("starts_at"), at.now):
        filled = Filled(given_in(form), [Trouble("starts_at", "", N_("This is in the past. If you mean it, send the form again."))])  # fmt: skip
        return await run_in_threadpool(_page, request, at, visitor, seen, command, filled, 400, past=True)
    receipt = await send(request, visitor, sent._replace(time=happened(form, zone_of(request, seen.zone))))
    if receipt.status in {"accepted", "duplicate"}:
        notice(request, N_("Recorded."))
        return see_other(request, f"/relationships/{seen.subject}")
    return await run_in_threadpool(_again, request, at, visitor, seen, command, form, receipt)


def _is_past(starts_at: Any, now: datetime) -> bool:
    try:
        found = moment_of(starts_at) if isinstance(starts_at, str) else None
    except ValueError:
        return False
    return found is not None and found < now


def happened(form: Form, zone: ZoneInfo) -> str | None:
    """When what a form tells happened; None: now."""
    text = form.text(HAPPENED)
    return time_of(text, zone) if text else None


def command_of(name: str, subject: str, data: Mapping[str, Any], form: Form) -> Command:
    """The command of a form, with the version that its page showed and the id that it gave the message."""
    message_id = form.text("message_id")[:100] or f"page-{uuid4()}"
    return Command(name, subject, data, message_id, version_of(form.text("expectedversion")))


def _data(
    request: Request, at: Desk, seen: Seen, visitor: Visitor, command: type[CommandModel], form: Form
) -> dict[str, Any]:
    setting = _setting(request, at, seen, visitor)
    if command.__name__ == "CorrectFact" and "fact" in form:
        return _corrected(form, setting)
    return data_of(command, form, setting)


def _again(
    request: Request, at: Desk, visitor: Visitor, seen: Seen, command: type[CommandModel], form: Form, receipt: Receipt
) -> Response:
    """The form once more: filled in as it was, with what is wrong, and with what changed where somebody was faster."""
    changed: list[Shown] = []
    expected = version_of(form.text("expectedversion"))
    if receipt.status == "conflict" and expected is not None:
        changed = [entry for entry in seen.history(NOW) if entry["version"] > expected]
    filled = Filled(given_in(form), troubles(receipt.problems), changed)
    status = status_of(receipt)
    version = version_of(form.text("version"))
    if command.__name__ == "CorrectFact" and "fact" in form and version is not None:
        return _correction(request, at, visitor, seen, version, filled, status)
    return _page(request, at, visitor, seen, command, filled, status)


def status_of(receipt: Receipt) -> int:
    """The status of the page about a receipt that was not accepted."""
    if any(problem.code == ALREADY_SENT for problem in receipt.problems):
        return 409
    return {"conflict": 409, "refused": 422}.get(receipt.status, 400)


def _setting(request: Request, at: Desk, seen: Seen, visitor: Visitor) -> Setting:
    zone = zone_of(request, seen.zone)
    entries = seen.history(NOW)
    entries = with_words(seen, entries, {each["version"] for each in entries if each["type"] == ASSIGNED})
    return Setting(shown_with_words(at, seen), entries, visitor.role, visitor.caller.id, zone, now=seen.now)


def _page(
    request: Request,
    at: Desk,
    visitor: Visitor,
    seen: Seen,
    command: type[CommandModel],
    filled: Filled,
    status: int = 200,
    **more: Any,
) -> Response:
    setting = _setting(request, at, seen, visitor)
    fields: list[Field] = more.pop("fields", None) or _fields(command, setting, filled)
    entries = _about(seen, command, filled)
    if entries:
        fields = [_fixed(field, entries[0]["version"]) for field in fields]
    return page(
        request,
        "command",
        status=status,
        programme_zone=seen.zone,
        title=title(command.__name__),
        about=about(command),
        command=command.__name__,
        subject=seen.subject,
        version=setting.shown["version"],
        fields=fields,
        wrong=filled.wrong,
        wrong_at=at_fields(filled.wrong, fields),
        changed=filled.changed,
        gates=setting.shown.get("unmet_gates", []) if command.__name__ == "ActivateRelationship" else [],
        message_id=f"page-{uuid4()}",
        when=_when(command, setting, filled),
        names=names_of(request, at, visitor, persons(setting.shown, entries), seen),
        shown=setting.shown,
        about_entries=entries,
        **more,
    )


def _about(seen: Seen, command: type[CommandModel], filled: Filled) -> list[Shown]:
    """The entry that a command is about, where the address or the form names one that the visitor may know; of a contest also the fact."""
    version = version_of((*filled.given.get("version", ()), "")[0])
    if command.__name__ not in OF_AN_ENTRY or version is None:
        return []
    known = {entry["version"]: entry for entry in seen.history(NOW) if entry["type"]}
    found = [known[version]] if version in known else []
    if found and found[0]["type"] == CONTEST:
        found += [known[fact] for fact in [found[0]["data"]["version"]] if fact in known]
    return with_words(seen, found, {entry["version"] for entry in found})


def _fixed(field: Field, version: int) -> Field:
    """The field of the entry that the form shows already."""
    return field._replace(kind="hidden", values=(str(version),)) if field.name == "version" else field


def _fields(command: type[CommandModel], setting: Setting, filled: Filled) -> list[Field]:
    """The fields of a form: as somebody filled them in, or, before that, with what the relationship suggests."""
    if filled.wrong or filled.changed:
        return fields_of(command, setting, filled.given)
    return only_choice(fields_of(command, setting, suggested(command, setting, filled.given)))


def _when(command: type[CommandModel], setting: Setting, filled: Filled) -> Field:
    """The field for when it happened. After the end only what took place before may be told: then it begins with the session's time."""
    given = tuple(filled.given.get(HAPPENED, ()))
    if not given and setting.shown["state"] == "terminated" and "session_id" in command.model_fields:
        chosen = filled.given.get("session_id", ())
        sessions = [each for each in setting.shown.get("sessions", []) if each["session_id"] in chosen]
        starts = [at for each in sessions if (at := moment_of(each["starts_at"])) is not None]
        given = tuple(f"{at.astimezone(setting.zone):%Y-%m-%dT%H:%M}" for at in starts)
    return Field(HAPPENED, N_("When it happened"), "time", values=given)


def at_fields(wrong: Sequence[Trouble], fields: Sequence[Field]) -> dict[str, Trouble]:
    """What is wrong by the field that has it, where the form has one."""
    names = {field.name for field in fields}
    found = ((trouble.field.partition(".")[0], trouble) for trouble in wrong)
    return {name: trouble for name, trouble in found if name in names}


# --- putting a fact right ----------------------------------------------------------------------------------------------
def _correction(
    request: Request, at: Desk, visitor: Visitor, seen: Seen, version: int, filled: Filled, status: int = 200
) -> Response:
    """The form that puts a fact right: its own fields, filled in as they were recorded and as far as the visitor may read them."""
    entry = next((each for each in seen.history(NOW) if each["version"] == version and each["type"]), None)
    if entry is None:
        raise not_found()
    event = EVENTS[entry["type"].removeprefix("rapport.")]
    of_fact = CORRECTABLE.get(event)
    command = COMMANDS["CorrectFact"]
    setting = _setting(request, at, seen, visitor)._replace(corrects=True)
    given = {"version": [str(version)], "reason": filled.given.get(REASON, [])}
    fields = [
        # A fact may have a reason of its own.
        field._replace(name=REASON, label=label(REASON)) if field.name == "reason" else field
        for field in fields_of(command, setting, given)
        if field.name in {"version", "reason"}
    ]
    facts: list[Field] = []
    if of_fact is not None:
        try:
            words = seen.words_of({version}, READ_BY_A_PARTY + ", to put it right")
            data = words.get(version) or entry["data"]
        except KeysRefused:
            data = entry["data"]
        as_recorded: Mapping[str, Sequence[str]] = given_by(data, setting.zone, of_fact)
        given_facts = filled.given if filled.wrong or filled.changed else as_recorded
        facts = [field._replace(kind="text") if field.kind == "hidden" else field for field in fields_of(of_fact, setting, given_facts)]  # fmt: skip
    return _page(
        request,
        at,
        visitor,
        seen,
        command,
        filled,
        status,
        fields=fields,
        facts=facts,
        fact=of_fact and of_fact.__name__,
    )


def _corrected(form: Form, setting: Setting) -> dict[str, Any]:
    """The data of a correction: the whole fact as it should be, or that it never took place."""
    version = version_of(form.text("version"))
    data: dict[str, Any] = {
        "version": form.text("version") if version is None else version,
        "reason": form.text(REASON),
    }
    of_fact = COMMANDS.get(form.text("fact"))
    if form.text("void") == "yes":
        return data | {"void": True}
    return data | ({"data": data_of(of_fact, form, setting)} if of_fact is not None else {})
