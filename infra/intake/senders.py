"""Who may send: checked before anything is decided, on every road from outside (files, Kafka).

Some senders are Rapport's own: the role `worker` and sources under `/workers/` are refused from outside. Everything else
may be limited by a file, `RAPPORT_SENDERS`: which source may send for which roles and programmes, and with which key it
proves itself. Without the file every source may send for every other role.

A message that is refused here has not used its id and leaves no receipt: else a forger could use up the ids of
others (docs/decisions/0017). It is read once, when the process begins.
"""

import tomllib
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args
from urllib.parse import unquote

from domain.case.commands import CASE_OF_EVENT, OpenCase
from domain.case.decide import about as whom
from domain.case.state import Case
from domain.mentor.commands import RegisterMentor, ReinstateMentor, RemoveMentor, SuspendMentor
from domain.mentor.state import UNKNOWN, Mentor
from domain.model import Command
from domain.problem import Problem
from domain.registry import State, kind_of
from domain.relationship.commands import ProposeRelationship
from domain.relationship.state import Relationship
from domain.words import NAMED_ROLES, Role
from infra.intake.attributes import uri_reference
from infra.intake.message import Message
from infra.intake.proof import proves, read_key
from infra.intake.receipt import Receipt
from infra.settings import WrongSettings

if TYPE_CHECKING:
    from joserfc.jwk import OKPKey

OURS: Final = "workers"
EVERY: Final = "*"
ROLES: Final = frozenset(get_args(Role)) - {"worker"}
# What every process that takes messages says once where there is no file.
UNCHECKED: Final = "RAPPORT_SENDERS is not set: every source may send for every role but worker, analyst and auditor"
FIELDS: Final = ("source", "roles", "programmes", "key")
FOLLOWS: Final = "data.follows"
# The code of the problem that a token does not cover a message's programme.
NOT_COVERED: Final = "programme"
# To an actor in the role of workers, on every road.
OURS_ALONE: Final = Problem("reserved", "expected another role: workers are Rapport's own", field="actor")
# How often an escape may itself be escaped; what is left then is no name of anybody.
_ROUNDS: Final = 5


class Sender(NamedTuple):
    """What one source may send. `programmes` is None where it may send for all of them; ids are in lower case."""

    roles: frozenset[str]
    programmes: frozenset[str] | None = None
    key: "OKPKey | None" = None


class Lookup(NamedTuple):
    """What is recorded so far: the state of a subject, and the relationships that name a mentor."""

    state_of: Callable[[str], State | None]
    relationships_of: Callable[[str], Collection[str]]


class Senders:
    """The senders of a file, or None where there is no file."""

    def __init__(self, listed: Mapping[str, Sender] | None = None) -> None:
        self.checked = listed is not None
        self._exact = {source: sender for source, sender in (listed or {}).items() if not source.endswith(EVERY)}
        prefixes = [(source[:-1], sender) for source, sender in (listed or {}).items() if source.endswith(EVERY)]
        self._prefixes = sorted(prefixes, key=lambda pair: -len(pair[0]))
        self.limits_programmes = any(sender.programmes is not None for sender in (listed or {}).values())

    def admit(self, message: Message) -> Message | Receipt:
        """The message, or the receipt that refuses its sender. Which programmes a sender may reach is asked later."""
        problem = self._problem(message)
        return message if problem is None else turned_away(message, problem)

    def programme_problem(self, message: Message, lookup: Lookup) -> Problem | None:
        """What is wrong when the message concerns a programme that its sender may not send for."""
        sender = self.sender(message.source)
        field = None if sender is None else outside(message, lookup, sender.programmes)
        if field is None:
            return None
        sentence = (
            "expected an earlier relationship of a programme that RAPPORT_SENDERS lists for this source"
            if field == FOLLOWS
            else "expected a subject of a programme that RAPPORT_SENDERS lists for this source, or a source that may send for every programme"
        )
        return Problem("sender", sentence, field=field)

    def sender(self, source: str) -> Sender | None:
        """Who a source is: the exact one, or the longest prefix that fits; none fits a path that leaves it again by dots."""
        if found := self._exact.get(source):
            return found
        if not {".", ".."}.isdisjoint(_segments(source)):
            return None
        return next((sender for prefix, sender in self._prefixes if source.startswith(prefix)), None)

    def _problem(self, message: Message) -> Problem | None:
        if is_ours(message.source):
            sentence = "expected another source: those under /workers/ are Rapport's own"
            return Problem("reserved", sentence, field="source")
        if message.actor.role == "worker":
            return OURS_ALONE
        if isinstance(message.command, OpenCase) and message.subject.lower().startswith(CASE_OF_EVENT):
            sentence = f"expected another id: Rapport's own workers open the cases under {CASE_OF_EVENT}"
            return Problem("reserved", sentence, field="subject")
        if not self.checked:
            return None
        sender = self.sender(message.source)
        if sender is None:
            return Problem("sender", "expected a source that RAPPORT_SENDERS lists", field="source")
        if sender.key is not None and (why := _unproven(message, sender.key)):
            return Problem("proof", why, field="proof")
        if message.actor.role not in sender.roles:
            sentence = f"expected a role that RAPPORT_SENDERS lists for this source, not {message.actor.role}"
            return Problem("sender", sentence, field="actor")
        return None


EVERYBODY: Final = Senders()


def turned_away(message: Message, problem: Problem) -> Receipt:
    """The receipt of a message that is refused for its sender."""
    return Receipt(message.source, message.id, message.subject, "refused", (), (problem,))


@lru_cache(maxsize=4096)
def is_ours(source: str) -> bool:
    """Whether a source is, or passes for, one under `/workers/`.

    Escapes (`%2F`, `%77`), case, forms of letters, slashes, dots and what can't be seen are ways to write the same path.
    """
    path: list[str] = []
    for name in _segments(source):
        if name == "..":
            del path[-1:]
        elif name not in {"", "."}:
            path.append(name)
    return path[:1] == [OURS]


@lru_cache(maxsize=4096)
def _segments(source: str) -> tuple[str, ...]:
    """The segments of a source's path as anybody may read them."""
    plain = source
    for _ in range(_ROUNDS):
        plain, before = unquote(plain, errors="replace"), plain
        if plain == before:
            break
    plain = unicodedata.normalize("NFKC", plain).casefold().replace("\\", "/")
    plain = "".join(character for character in plain if character.isprintable() and not character.isspace())
    path = plain.partition("?")[0].partition("#")[0]
    return tuple(segment.partition(";")[0] for segment in path.split("/"))


def outside(message: Message, lookup: Lookup, within: frozenset[str] | None) -> str | None:
    """The field by which a message concerns another programme than these; None where it does not, or all are meant.

    Whether there is such a subject elsewhere is not told: an unknown one is answered alike.
    """
    if within is None:
        return None
    if not _all_in(programmes(message, lookup), within):
        return "subject"
    followed = message.command.follows if isinstance(message.command, ProposeRelationship) else None
    return FOLLOWS if followed is not None and not _all_in(_of_relationship(followed, lookup), within) else None


def token_problem(message: Message, lookup: Lookup) -> Problem | None:
    """What is wrong when a message concerns a programme that the token it came with does not cover."""
    field = outside(message, lookup, message.programmes)
    if field is None:
        return None
    subject = "an earlier relationship" if field == FOLLOWS else "a subject"
    return Problem(NOT_COVERED, f"expected {subject} of a programme that the token covers", field=field)


def _all_in(concerned: Collection[str], listed: Collection[str]) -> bool:
    """Whether a message concerns programmes, and a sender's list has all of them."""
    return bool(concerned) and all(each.lower() in listed for each in concerned)


def _of_relationship(subject: str, lookup: Lookup) -> set[str]:
    state = lookup.state_of(subject)
    return {state.programme_id} if isinstance(state, Relationship) else set()


def programmes(message: Message, lookup: Lookup) -> set[str]:
    """The programmes that a message concerns; none where it concerns all of them, or where nobody can tell yet."""
    command, state = message.command, lookup.state_of(message.subject)
    match kind_of(message.subject):
        case "relationship":
            found = {state.programme_id} if isinstance(state, Relationship) else set()
            return found | ({command.programme_id} if isinstance(command, ProposeRelationship) else set())
        case "programme":
            return {message.subject.partition(":")[2]}
        case "case":
            return _of_case(command, state, lookup)
        case "person":
            return set()
        case "mentor":
            mentor_id = message.subject.partition(":")[2]
            return _of_mentor(command, state if isinstance(state, Mentor) else UNKNOWN, mentor_id, lookup)


def _of_mentor(command: Command, mentor: Mentor, mentor_id: str, lookup: Lookup) -> set[str]:
    """Standing concerns the programme that the message names; everything else the home programme.

    The home of a mentor whom nobody registered is every programme that knows them by a relationship, so that no programme
    registers, or trains, the mentors of another. A wrong home is put right by a sender who may send for both programmes.
    """
    match command:
        case SuspendMentor() | ReinstateMentor() | RemoveMentor():
            return {command.programme_id} if command.programme_id else set()
        case RegisterMentor():
            home = {each for each in (command.programme_id, mentor.programme_id) if each is not None}
            if not home or (mentor.registered and mentor.programme_id is None):
                return set()
            known = _that_know(mentor_id, lookup)
            return set() if known is None else home | known
        case _ if mentor.registered:
            return {mentor.programme_id} if mentor.programme_id else set()
        case _:
            return _that_know(mentor_id, lookup) or set()


def _that_know(mentor_id: str, lookup: Lookup) -> set[str] | None:
    """The programmes with a relationship of this mentor; None where one of them can't be read."""
    found = [lookup.state_of(subject) for subject in lookup.relationships_of(mentor_id)]
    known = [state.programme_id for state in found if isinstance(state, Relationship)]
    return set(known) if len(known) == len(found) else None


def _of_case(command: Command, state: State | None, lookup: Lookup) -> set[str]:
    """The programme of the relationship that a case comes from, if whom the case is about is of that relationship.

    A removal that is decided there is one from that programme.
    """
    found = set()
    for case in (each for each in (state, command) if isinstance(each, Case | OpenCase)):
        about = whom(case) if isinstance(case, OpenCase) else case.about
        relationship = lookup.state_of(case.relationship_id.lower()) if case.relationship_id else None
        if not isinstance(relationship, Relationship) or not _is_of(relationship, about):
            return set()
        found.add(relationship.programme_id)
    return found


def _is_of(relationship: Relationship, about: str) -> bool:
    """Whether somebody whom a case is about is the person whom a relationship names for the role; it names nobody for some."""
    role, colon, id_ = about.partition(":")
    if not colon or role not in NAMED_ROLES:
        return True
    return (relationship.named(role) or "").lower() == id_.lower()


def _unproven(message: Message, key: "OKPKey") -> str | None:
    """Why a message does not prove that it comes from the holder of the key."""
    if message.proof is None:
        return "expected a detached JWS over the message, since RAPPORT_SENDERS lists a key for this source"
    try:
        if proves(message.proof, key):
            return None
    except ValueError:
        return "expected a message that can be signed: whole numbers beyond 2^53 have no canonical form; write them as text"
    return "expected a detached JWS over this message by the key that RAPPORT_SENDERS lists for its source"


# --- the file ----------------------------------------------------------------------------------------------------------


def read_senders(path: Path | None) -> Senders:
    """The senders of a file; everybody where there is none.

    Raises:
        WrongSettings: The file can't be read or understood. The message names the line or the field.
    """
    if path is None:
        return EVERYBODY
    try:
        listed = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise _wrong(path, f"can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _wrong(path, f"line {line}: expected UTF-8, found byte 0x{error.object[error.start]:02x}") from None
    except tomllib.TOMLDecodeError as error:
        raise _wrong(path, f"expected TOML: {error}") from None
    return Senders(_listed(path, listed))


def _listed(path: Path, read: dict[str, Any]) -> dict[str, Sender]:
    if others := sorted(read.keys() - {"sender"}):
        raise _wrong(path, f"{others[0]}: expected nothing but [[sender]] tables")
    entries = read.get("sender")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise _wrong(path, "sender: expected at least one table that begins with [[sender]]")
    listed: dict[str, Sender] = {}
    for number, entry in enumerate(entries, 1):
        source = entry.get("source")
        place = f"sender {number}" + (f" ({source})" if isinstance(source, str) else "")
        try:
            _nothing_else(entry)
            listed[_source(entry, listed)] = Sender(_roles(entry), _programmes(entry), _key(entry))
        except _Field as wrong:
            raise _wrong(path, f"{place}, {wrong.name}: {wrong}") from None
    return listed


class _Field(Exception):
    """A field of a sender is wrong."""

    def __init__(self, name: str, sentence: str) -> None:
        self.name = name
        super().__init__(sentence)


def _nothing_else(entry: dict[str, Any]) -> None:
    if others := [name for name in entry if name not in FIELDS]:
        raise _Field(others[0], f"expected no such field, only {', '.join(FIELDS)}")


def _source(entry: dict[str, Any], listed: Collection[str]) -> str:
    source = entry.get("source")
    if not isinstance(source, str) or not source:
        raise _Field("source", "expected a source, or the beginning of one followed by *")
    if source in listed:
        raise _Field("source", "expected every source only once")
    if EVERY in source[:-1]:
        raise _Field("source", "expected * at the end alone")
    try:
        uri_reference(source.removesuffix(EVERY))
    except ValueError as error:
        # No message can have it: the entry would never count.
        raise _Field("source", str(error)) from None
    if is_ours(source.removesuffix(EVERY)):
        raise _Field("source", "expected another source: those under /workers/ are Rapport's own")
    return source


def _roles(entry: dict[str, Any]) -> frozenset[str]:
    roles = _texts(entry, "roles", f"expected a list of roles: {', '.join(sorted(ROLES))}")
    for role in roles:
        if role == "worker":
            raise _Field("roles", "expected no worker: workers are Rapport's own")
        if role not in ROLES:
            raise _Field("roles", f"expected one of {', '.join(sorted(ROLES))}, found {role!r}")
    return frozenset(roles)


def _programmes(entry: dict[str, Any]) -> frozenset[str] | None:
    if entry.get("programmes", EVERY) in (EVERY, [EVERY]):
        return None
    found = _texts(entry, "programmes", 'expected a list of ids of programmes, or "*" for all of them')
    if EVERY in found:
        raise _Field("programmes", 'expected ids of programmes, or "*" alone')
    return frozenset(each.lower() for each in found)


def _key(entry: dict[str, Any]) -> "OKPKey | None":
    if "key" not in entry:
        return None
    text = entry["key"]
    try:
        if not isinstance(text, str):
            raise ValueError("expected a text")  # noqa: TRY004, TRY301 - one way out for all that is wrong
        return read_key(text)
    except ValueError as error:
        raise _Field("key", str(error)) from None


def _texts(entry: dict[str, Any], name: str, expected: str) -> Iterable[str]:
    found = entry.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(each, str) and each for each in found):
        raise _Field(name, expected)
    return found


def _wrong(path: Path, sentence: str) -> WrongSettings:
    return WrongSettings(f"RAPPORT_SENDERS: {path}: {sentence}")
