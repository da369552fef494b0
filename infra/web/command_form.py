"""Forms made from commands: a field of a form for each field of the command's model, and the data of a message from what was filled in.

The models say which fields there are, of which type, and which have to be there. What somebody may choose from (sessions, goals, open
claims) comes from the relationship as they see it. What is wrong with what was filled in is for the intake to say.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import isfinite
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin
from uuid import uuid4
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from domain.codes.clauses import CLAUSES
from domain.codes.questions import QUESTIONS, questions_of
from domain.model import NAME_MAX, Command
from domain.registry import COMMANDS
from domain.relationship.contests import CORRECTABLE
from domain.relationship.guards import needs_next_steps
from domain.words import NAMED_ROLES, PARTIES, Audience, DataClass
from infra.web.command_words import label
from infra.web.event_words import camel
from infra.web.form import Form
from infra.web.navigation import N_
from infra.web.own_matrix import CLASSES
from infra.web.zones import moment_of, shown_time

Shown = Mapping[str, Any]
Kind = Literal[
    "hidden",
    "text",
    "area",
    "lines",
    "select",
    "yes_no",
    "checks",
    "number",
    "day",
    "time",
    "group",
    "times",
    "answers",
]
# Rows of a group that a page offers: what somebody leaves empty is left out.
ROWS: Final = 4
MOST_EVENTS: Final = 60
# Longer numbers are none that a message may have.
DIGITS: Final = 15
SCALE: Final = ("5", "4", "3", "2", "1", "yes", "no")
# A field of one of these names the thing that the command makes, so it is not for a person to think of.
_MADE: Final = {
    "AgreeGoal": "goal_id",
    "ScheduleSession": "session_id",
    "AssignHomework": "homework_id",
    "RecordAssessment": "assessment_id",
}
# What a message may have, and a person has no reason to say.
_UNASKED: Final = {"WithdrawConsent": frozenset({"how", "until"})}
_TO_COME: Final = frozenset(
    {"RescheduleSession", "CancelSession", "CompleteSession", "RecordNoShow", "RecordPresessionCheck"}
)
# What a command is about that names an event by its version.
_ABOUT: Final = {
    "AnswerContest": frozenset({"FactContested"}),
    "CorrectFact": frozenset(event.__name__ for event in CORRECTABLE),
}
# What is told of a session once it has begun; somebody may begin a little before its time.
TOLD_AFTER: Final = frozenset({"CompleteSession", "RecordNoShow"})
EARLY: Final = timedelta(hours=1)
_PARTIES: Final = frozenset({"agreed_by", "informed", "present", "absent", "between"})


class Choice(NamedTuple):
    """One of what a field may be."""

    value: str
    label: str
    # Whether the label is somebody's own words, which are in no catalogue.
    theirs: bool = False
    # What it means, in a sentence of the catalogue.
    meaning: str = ""
    # What stands before and after the label, and is in no catalogue: ids and times.
    before: str = ""
    after: str = ""


class Field(NamedTuple):
    """A field of a form. `values` are those that are filled in; `rows` the fields of each row of a group."""

    name: str
    label: str
    kind: Kind
    required: bool = False
    values: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    help: str = ""
    longest: int | None = None
    rows: tuple[tuple["Field", ...], ...] = ()

    @property
    def value(self) -> str:
        """The value that is filled in."""
        return self.values[0] if self.values else ""

    @property
    def is_filled(self) -> bool:
        """Whether somebody filled in something of a group; what rows have by themselves does not count."""
        return any(
            field.kind != "yes_no" and field.name != "set_by" and field.value for row in self.rows for field in row
        )


class Setting(NamedTuple):
    """What a form is made for: the relationship as the reader sees it, its events, who fills it in, and in which zone."""

    shown: Shown
    entries: Sequence[Shown]
    role: str
    person: str
    zone: ZoneInfo
    # Whether a fact is put right: then it may be about whatever is recorded, also about a session that is over.
    corrects: bool = False
    # The time now, None: any session may have begun.
    now: datetime | None = None


def fields_of(command: type[Command], setting: Setting, given: Mapping[str, Sequence[str]]) -> list[Field]:
    """The fields of a command's form; `given` are values to fill in, by name."""
    asked = (each for each in command.model_fields.items() if each[0] not in _UNASKED.get(command.__name__, ()))
    return [_field(command.__name__, name, info, setting, given) for name, info in asked]


def _field(
    command: str, name: str, info: FieldInfo, setting: Setting, given: Mapping[str, Sequence[str]], prefix: str = ""
) -> Field:
    place = prefix + name
    values = tuple(given.get(place, ()) or _usual(command, name, info))
    shape, longest = _shape(info)
    required = info.is_required()
    if name == "set_by" and not values and setting.role in PARTIES:
        values = (setting.role,)
    base = Field(place, label(name), "text", required, values, longest=longest)
    if name == "next_steps" and needs_next_steps(COMMANDS[command], setting.shown.get("codes", ())):
        # Who leaves because of how they were treated need not say it, and is not held up by their browser.
        is_end = command == "TerminateRelationship"
        base = base._replace(
            required=not is_end,
            help=N_("Needed, unless it ends because of how somebody was treated.") if is_end else "",
        )
    if _MADE.get(command) == name:
        return base._replace(kind="hidden", values=values or (f"{name[0]}-{uuid4().hex[:10]}",))
    if name == "person" and "person" in setting.shown:
        return base._replace(kind="hidden", values=(setting.shown["person"],))
    if name == "person" and setting.role in NAMED_ROLES:
        return base._replace(kind="hidden", values=(setting.person,))
    if (choices := _choices(command, name, setting)) is not None:
        many = get_origin(shape) is tuple
        return base._replace(kind="checks" if many else "select", choices=tuple(choices))
    if name == "answers":
        codes = setting.shown.get("codes", [])
        asked = tuple(Choice(clause, QUESTIONS[clause]) for clause in questions_of(codes))
        rows = tuple((Field(f"{place}.{each.value}", each.label, "select", values=tuple(given.get(f"{place}.{each.value}", ())), choices=tuple(Choice(mark, mark) for mark in SCALE)),) for each in asked)  # fmt: skip
        return base._replace(kind="answers", rows=rows)
    return _by_shape(command, name, shape, base, setting, given)


def _by_shape(
    command: str, name: str, shape: Any, base: Field, setting: Setting, given: Mapping[str, Sequence[str]]
) -> Field:
    origin, arguments = get_origin(shape), get_args(shape)
    if origin is Literal:
        # A word may be a class of data and something else: what feedback is about, for one.
        is_class = set(arguments) <= set(get_args(DataClass))
        choices = tuple(choice if is_class else choice._replace(meaning="") for choice in _words(arguments))
        return base._replace(kind="select", choices=choices)
    if shape is bool:
        return base._replace(kind="yes_no")
    if command == "RespondToNps" and name == "score":
        return base._replace(kind="select", choices=tuple(map(_of_scale, range(10, -1, -1))))
    if shape in {int, float}:
        return base._replace(kind="number")
    if shape is date:
        return base._replace(kind="day")
    if shape in {datetime, AwareDatetime}:
        return base._replace(kind="time")
    if origin is dict:
        rows = tuple((Field(f"{base.name}.{role}", _spaced(role), "time", values=tuple(given.get(f"{base.name}.{role}", ()))),) for role in _named(setting))  # fmt: skip
        return base._replace(kind="times", rows=rows)
    if origin is tuple:
        inner = _plain(arguments[0])[0]
        if get_origin(inner) is Literal:
            offered = _named(setting) if name in _PARTIES else get_args(inner)
            return base._replace(kind="checks", choices=tuple(_words(offered)))
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            return base._replace(kind="group", rows=tuple(_rows(command, base.name, inner, setting, given)))
        return base._replace(kind="lines")
    is_short = name.endswith("id") or (base.longest is not None and base.longest <= NAME_MAX)
    return base._replace(kind="text" if is_short else "area")


def _rows(
    command: str, name: str, model: type[BaseModel], setting: Setting, given: Mapping[str, Sequence[str]]
) -> Iterator[tuple[Field, ...]]:
    """The fields of each row of a group."""
    for number in range(ROWS):
        place = f"{name}.{number}."
        yield tuple(_field(command, each, info, setting, given, place) for each, info in model.model_fields.items())


def _shape(info: FieldInfo) -> tuple[Any, int | None]:
    """The type behind annotations and `| None`, and the longest text that it takes."""
    shape, longest = _plain(info.annotation)
    return shape, _longest(info.metadata) or longest


def _plain(annotation: Any) -> tuple[Any, int | None]:
    longest: int | None = None
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            inner, *more = get_args(annotation)
            longest = longest or _longest(more)
            annotation = inner
        elif origin in {Union, UnionType} and NoneType in get_args(annotation):
            annotation = next(each for each in get_args(annotation) if each is not NoneType)
        else:
            return annotation, longest


def _longest(metadata: Sequence[Any]) -> int | None:
    return next((found for each in metadata if (found := getattr(each, "max_length", None)) is not None), None)


def _usual(command: str, name: str, info: FieldInfo) -> tuple[str, ...]:
    """What stands in a field before somebody fills it in."""
    if name == "agreed_by":
        return ("mentee", "mentor")
    if name == "present":
        return ("mentee", "mentor")
    if name == "informed":
        return ()
    if name == "minutes" and command == "AgreePlan":
        return (str(info.default),)
    default = info.default
    if info.is_required() or default is None or isinstance(default, tuple):
        return ()
    if isinstance(default, bool):
        return ("yes",) if default else ("no",)
    return (str(default),)


# --- what somebody may choose from ------------------------------------------------------------------------------------
def _choices(command: str, name: str, setting: Setting) -> list[Choice] | None:
    """The choices that come from the relationship or the codes; None where the type alone says what a field may be."""
    shown = setting.shown
    found: Iterator[Choice] | None = None
    match name:
        case "goal_id":
            found = _goals(shown, open_alone=command != "RecordEndReview" and not setting.corrects)
        case "session_id":
            found = _sessions(shown, setting.zone, to_come=command in _TO_COME and not setting.corrects)
            if command in TOLD_AFTER and not setting.corrects:
                begun = {each["session_id"] for each in shown.get("sessions", []) if has_begun(each, setting.now)}
                found = (choice for choice in found if choice.value in begun)
        case "homework_id":
            found = _of_events(setting, "HomeworkAssigned", "homework_id")
        case "assessment_id":
            found = _of_events(setting, "AssessmentRecorded", "assessment_id")
        case "version" if command == "ConfirmAgreement":
            claims = [claim for claim in shown.get("claims", []) if claim["waits_for"] == setting.role]
            found = _versions(setting, {claim["version"] for claim in claims})
        case "version" if command in {"ContestFact", "CorrectFact", "AnswerContest"}:
            found = _versions(setting, None, _ABOUT.get(command))
        case "evidence" | "about" if command in {"RaiseConcern", "RecommendShutdown", "ReviewRelationship"}:
            found = _versions(setting, None)
        case "request":
            found = _versions(setting, None, {"ErasureRequested"})
        case "clause" if command == "ResolveConcern":
            found = _clauses(each["clause"] for each in shown.get("concerns", []) if each["status"] == "open")
        case "clause" if command == "DismissRecommendation":
            found = _clauses(each["clause"] for each in shown.get("recommendations", []) if each["status"] == "open")
        case "clause" | "questions" if command != "ReportBreach":
            codes = shown.get("codes", [])
            found = _clauses(id_ for id_, clause in CLAUSES.items() if clause.code in codes)
        case "against" | "respondent" | "on_behalf_of" | "set_by":
            found = _words([*_named(setting), *(["coordinator"] if name == "against" else [])])
        case "audience" if command == "GrantConsent":
            # What is yours you see without it.
            found = _words(each for each in get_args(Audience) if each != setting.role)
        case "data_class" | "audience" if command == "WithdrawConsent":
            given = shown.get("agreements", {}).get("consents", ())
            own = [each for each in given if each["by"] == setting.role] if isinstance(given, list) else []
            found = _words(dict.fromkeys(each[name] for each in own))
        case "person":
            people = dict.fromkeys(str(shown[f"{role}_id"]) for role in _named(setting))
            found = (Choice(id_, id_) for id_ in people)
        case _:
            return None
    return list(found)


def has_begun(session: Shown, now: datetime | None, early: timedelta = EARLY) -> bool:
    """Whether somebody can tell how a session went: it began, or begins within the hour (`early`)."""
    at = session["starts_at"]
    start = None if isinstance(at, Mapping) else moment_of(at)
    return now is None or start is None or start <= now + early


def _goals(shown: Shown, *, open_alone: bool) -> Iterator[Choice]:
    goals = shown.get("goals", [])
    for goal in goals if isinstance(goals, list) else []:
        if not open_alone or goal["status"] == "open" or isinstance(goal["status"], Mapping):
            title = goal.get("title")
            if isinstance(title, str):
                yield Choice(goal["goal_id"], title, theirs=True)
            else:
                kind = goal["type"] if isinstance(goal["type"], str) else ""
                yield Choice(goal["goal_id"], _spaced(kind), before=f"{goal['goal_id']} ")


def _sessions(shown: Shown, zone: ZoneInfo, *, to_come: bool) -> Iterator[Choice]:
    for session in shown.get("sessions", []):
        status = session["status"]
        if not to_come or status == "scheduled" or isinstance(status, Mapping):
            at = session["starts_at"]
            when = "" if isinstance(at, Mapping) else shown_time(at, zone)
            state = status if isinstance(status, str) else ""
            before = ", ".join(part for part in (when, session["session_id"]) if part)
            yield Choice(session["session_id"], state, before=f"{before}, " if state else before)


def _of_events(setting: Setting, event: str, field: str) -> Iterator[Choice]:
    for entry in setting.entries:
        if entry["type"] == f"rapport.{event}" and isinstance(id_ := entry["data"].get(field), str):
            words = entry["data"].get("description")
            name = words if isinstance(words, str) else id_
            yield Choice(id_, name, theirs=True, after=f" ({shown_time(entry['occurred_at'], setting.zone)})")


def _versions(setting: Setting, among: set[int] | None, kinds: Collection[str] | None = None) -> Iterator[Choice]:
    """Events that the reader may know of, the newest first."""
    known = [entry for entry in setting.entries if entry["type"] is not None]
    for entry in list(reversed(known))[: None if among or kinds else MOST_EVENTS]:
        name = entry["type"].removeprefix("rapport.")
        if (among is None or entry["version"] in among) and (kinds is None or name in kinds):
            when = shown_time(entry["occurred_at"], setting.zone)
            yield Choice(str(entry["version"]), camel(name), before=f"{entry['version']}: ", after=f", {when}")


def _of_scale(score: int) -> Choice:
    ends = {10: N_("10: extremely likely"), 0: N_("0: not at all likely")}
    return Choice(str(score), ends.get(score, str(score)))


def _clauses(ids: Any) -> Iterator[Choice]:
    for id_ in dict.fromkeys(ids):
        yield Choice(id_, CLAUSES[id_].rule if id_ in CLAUSES else id_)


def _named(setting: Setting) -> list[str]:
    return [role for role in NAMED_ROLES if setting.shown.get(f"{role}_id")]


def _words(values: Any) -> Iterator[Choice]:
    return (Choice(str(value), _spaced(str(value)), meaning=CLASSES.get(value, "")) for value in values)


def _spaced(word: str) -> str:
    return word.replace("_", " ")


# --- what was filled in -----------------------------------------------------------------------------------------------
def data_of(command: type[Command], form: Form, setting: Setting) -> dict[str, Any]:
    """The data of a message, from a form. What can't be understood is left as it was written, for the intake to name."""
    found: dict[str, Any] = {}
    for field in fields_of(command, setting, {}):
        value = _value(command, field, form, setting)
        if value is not None:
            found[field.name] = value
    if command is COMMANDS["ChangeParty"]:
        found.setdefault("id", None)
    return found


def _value(command: type[Command], field: Field, form: Form, setting: Setting) -> Any:
    text = form.text(field.name)
    match field.kind:
        case "checks":
            chosen: list[Any] = form.texts(field.name)
            if field.name in {"evidence", "about"}:
                chosen = [_number(each) for each in chosen]
            return chosen if chosen or field.required else None
        case "lines":
            lines = [line.strip() for line in text.split("\n") if line.strip()]
            return lines if lines or field.required else None
        case "group":
            rows = [row for each in field.rows if (row := _row(command, each, form, setting))]
            return rows if rows or field.required else None
        case "times":
            return {row[0].name.rpartition(".")[2]: time_of(form.text(row[0].name), setting.zone) for row in field.rows if form.text(row[0].name)}  # fmt: skip
        case "answers":
            return {row[0].name.partition(".")[2]: _answer(form.text(row[0].name)) for row in field.rows if form.text(row[0].name)}  # fmt: skip
        case _ if not text:
            return None
        case "number":
            return _number(text)
        case "time":
            return time_of(text, setting.zone)
        case "yes_no":
            return {"yes": True, "no": False}.get(text, text)
        case "select" if field.name in {"version", "request", "score"}:
            return _number(text)
        case _:
            return text


def _row(command: type[Command], row: Sequence[Field], form: Form, setting: Setting) -> dict[str, Any] | None:
    """A row of a group; None where somebody left it empty. A field that has its usual value alone does not fill a row."""
    values = {field.name.rpartition(".")[2]: _value(command, field, form, setting) for field in row}
    usual = {field.name.rpartition(".")[2]: field.value for field in row}
    filled = {name for name, value in values.items() if value is not None and form_text(value) != usual[name]}
    return {name: value for name, value in values.items() if value is not None} if filled else None


def form_text(value: Any) -> str:
    """A value as the field of a form has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _answer(text: str) -> Any:
    return text if text in {"yes", "no"} else _number(text)


def _number(text: str) -> Any:
    """A number; what is none, or has more digits than a message may, stays as it was written, for the intake to name."""
    if len(text) > DIGITS:
        return text
    for kind in (int, float):
        try:
            found: Any = kind(text)
        except ValueError:
            continue
        return found if isfinite(found) else text
    return text


def version_of(text: str) -> int | None:
    """The version that an address or a form names; None where it names none."""
    return int(text) if text.isdecimal() and text.isascii() and len(text) < DIGITS else None


def time_of(text: str, zone: ZoneInfo) -> str:
    """A time as messages have it: what a person wrote is in their zone, unless they wrote another offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (found if found.tzinfo else found.replace(tzinfo=zone)).isoformat()


# --- values to fill in ------------------------------------------------------------------------------------------------
def given_by(data: Mapping[str, Any], zone: ZoneInfo, command: type[Command]) -> dict[str, list[str]]:
    """The values of a form from the data of a fact, where it is to be put right; what the reader may not see is left out."""
    found: dict[str, list[str]] = {}

    def put(name: str, value: Any) -> None:
        if isinstance(value, Mapping):
            if "sealed" not in value and "erased" not in value:
                for key, each in value.items():
                    put(f"{name}.{key}", each)
        elif isinstance(value, list | tuple):
            if any(isinstance(each, Mapping) for each in value):
                for number, each in enumerate(value):
                    put(f"{name}.{number}", each)
            else:
                found[name] = [form_text(each) for each in value]
        elif value is not None:
            found[name] = [_local(form_text(value), zone)]

    for name in command.model_fields:
        if name in data:
            put(name, data[name])
    return found


def _local(text: str, zone: ZoneInfo) -> str:
    """A time as a field of a form has it: in the reader's zone, without an offset."""
    if len(text) < len("2026-03-05T17:00") or text[10:11] not in {"T", " "}:
        return text
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return found.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if found.tzinfo else text


def given_in(form: Form) -> dict[str, list[str]]:
    """The values of a form as they were sent, to be shown again."""
    return {name: form.texts(name) for name in form.names()}
