"""Is a bundle what it says? Checked without a database, with nothing but the file and the public key of its store."""

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from domain.model import Known
from infra.evidence import tree
from infra.evidence.archive import BadBundle, unpacked
from infra.evidence.bundle import CHECKPOINT, DECISIONS, EVENTS, HISTORY, MEMBERS, PROVED, RECEIPTS, STAMP, Line
from infra.evidence.note import BadNote, Checkpoint, Verifier, checkpoint
from infra.evidence.stamps import NoStamp, Stamp
from infra.evidence.stamps import read as read_stamp
from infra.pages.page import is_mark
from infra.store.hash_chain import NO_HASH, next_hash
from infra.store.merkle import event_leaf, receipt_digest, receipt_leaf

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

Promise = tuple[str, int]
# What an event has only where its message had it.
_OPTIONAL: Final = ("correlation_id", "causation_id", "traceparent")
# What a member that can't be read leads to.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, OverflowError)


class Flaw(NamedTuple):
    """One thing that is wrong with a bundle: in which member, and what."""

    member: str
    problem: str


class BundleVerdict(NamedTuple):
    """What a bundle is about, what was checked in it, what is wrong, and what it says less of than the store does."""

    subject: str | None
    checkpoint: Checkpoint | None
    events: int = 0
    receipts: int = 0
    problems: tuple[Flaw, ...] = ()
    left_out: tuple[int, ...] = ()
    stamp: Stamp | None = None

    @property
    def ok(self) -> bool:
        """Nothing is wrong. Words that are left out are no fault: the hashes of their events hold."""
        return not self.problems


def check_bundle(raw: bytes, verifier: Verifier, roots: "Sequence[Certificate]" = ()) -> BundleVerdict:
    """Check a bundle from its file to the root of the tree; its time stamp is trusted by these root certificates."""
    try:
        subject, members = unpacked(raw, verifier)
    except BadBundle as error:
        return BundleVerdict(None, None, problems=(Flaw("the file", str(error)),))
    if tuple(members) not in {MEMBERS, (*MEMBERS, STAMP)}:
        expected = f"expected the members {', '.join(MEMBERS)}, in this order"
        return BundleVerdict(subject, None, problems=(Flaw("the file", expected),))
    try:
        at = checkpoint(members[CHECKPOINT], [verifier])
    except BadNote as error:
        return BundleVerdict(subject, None, problems=(Flaw(CHECKPOINT, str(error)),))
    if at.origin != verifier.name:
        problem = f"it is of {at.origin}, and the key of {verifier.name}"
        return BundleVerdict(subject, None, problems=(Flaw(CHECKPOINT, problem),))
    flaws: list[Flaw] = []
    events, receipts = _lines(members, EVENTS, flaws), _lines(members, RECEIPTS, flaws)
    flaws += _each(EVENTS, events, _Chain(subject, at).problems)
    flaws += _each(RECEIPTS, receipts, lambda line: _receipt_problems(line, subject, at))
    if not flaws:
        flaws += _whole(members, events, receipts)
    stamp = None
    if STAMP in members:
        try:
            stamp = read_stamp(members[STAMP], members[CHECKPOINT], roots)
        except NoStamp as error:
            flaws.append(Flaw(STAMP, str(error)))
    left_out = tuple(line["version"] for line in events if line.get("stored") is None)
    return BundleVerdict(subject, at, len(events), len(receipts), tuple(flaws), left_out, stamp)


def _lines(members: Mapping[str, bytes], name: str, flaws: list[Flaw]) -> list[Line]:
    try:
        lines = [orjson.loads(line) for line in members[name].splitlines()]
        if not all(isinstance(line, dict) and isinstance(line["leaf"], int) for line in lines):
            raise ValueError("a line has no leaf")
    except UNREADABLE as error:
        flaws.append(Flaw(name, f"it can't be read: {error}"))
        return []
    return lines


def _each(name: str, lines: Sequence[Line], problems: Callable[[Line], Iterator[str]]) -> Iterator[Flaw]:
    """What is wrong with each line."""
    for number, line in enumerate(lines, 1):
        try:
            for problem in problems(line):
                yield Flaw(name, f"line {number}: {problem}")
        except UNREADABLE as error:
            yield Flaw(name, f"line {number} can't be read: {error}")


class _Chain:
    """The events of a subject as far as they were checked."""

    def __init__(self, subject: str, at: Checkpoint) -> None:
        self._subject, self._at = subject, at
        self._version, self._hash, self._leaf = 0, NO_HASH, -1

    def problems(self, line: Line) -> Iterator[str]:
        """What is wrong with the next event."""
        before, self._version = self._version, line["version"]
        previous, self._hash = self._hash, bytes.fromhex(line["hash"])
        last, self._leaf = self._leaf, line["leaf"]
        if line["subject"] != self._subject:
            yield f"the event is of {line['subject']}"
        if self._version != before + 1 or self._leaf <= last:
            yield f"version {self._version} at leaf {self._leaf} comes after version {before} at leaf {last}"
        if bytes.fromhex(line["previous_hash"]) != previous:
            yield "the hash of the event before is another one"
        leaf = event_leaf(line["position"], line["subject"], self._version, self._hash)
        if not _is_proved(line, leaf, self._at):
            yield "the proof does not lead from the event to the root of the checkpoint"
        if line["stored"] is None:
            return
        stored = b64decode(line["stored"], validate=True)
        if next_hash(previous, line["topic"], stored) != self._hash:
            yield "the hash does not follow from the event before and the stored bytes"
        envelope = orjson.loads(stored)
        if (envelope["subject"], envelope["version"]) != (self._subject, self._version):
            yield f"the stored bytes say that they are version {envelope['version']} of {envelope['subject']}"


def _receipt_problems(line: Line, subject: str, at: Checkpoint) -> Iterator[str]:
    digest = receipt_digest(line["source"], line["id"], bytes.fromhex(line["fingerprint"]), line["answer"].encode())
    if not _is_proved(line, receipt_leaf(line["position"], digest), at):
        yield "the proof does not lead from the receipt to the root of the checkpoint"
    about = orjson.loads(line["answer"])[0]
    if about != subject:
        yield f"the receipt is about {about}"


def _is_proved(line: Line, leaf: bytes, at: Checkpoint) -> bool:
    proof = [b64decode(each, validate=True) for each in line["proof"]]
    return tree.is_included(leaf, line["leaf"], at.size, proof, at.root)


def _whole(members: Mapping[str, bytes], events: Sequence[Line], receipts: Sequence[Line]) -> Iterator[Flaw]:
    """What does not fit together: events and receipts, what is there to be read, and the decisions."""
    try:
        history = orjson.loads(members[HISTORY])
        if len(history) != len(events):
            yield Flaw(HISTORY, f"it has {len(history)} events, {EVENTS} has {len(events)}")
            return
        for line, entry in zip(events, history, strict=True):
            yield from (Flaw(HISTORY, f"version {line['version']}: {each}") for each in _unlike(line, entry))
        yield from _unmatched(events, history, receipts)
        versions = {line["version"] for line in events}
        for decision in orjson.loads(members[DECISIONS]):
            if not isinstance(decision["clauses"], list) or not isinstance(decision["evidence"], list):
                yield Flaw(DECISIONS, "a decision names no clauses or no evidence")
            elif decision["evidence_of"] == (events[0]["subject"] if events else None):
                for version in {*decision["evidence"]} - versions:
                    yield Flaw(DECISIONS, f"a decision rests on version {version}, which is not in the bundle")
    except UNREADABLE as error:
        yield Flaw(HISTORY, f"what is there to be read does not fit the events: {error}")


def _unlike(line: Line, entry: Mapping[str, Any]) -> Iterator[str]:
    """How an entry for people differs from the event that is stored."""
    named = (entry["version"], entry["type"], entry["hash"], entry["previous_hash"])
    if named != (line["version"], f"rapport.{line['topic'].partition('#')[0]}", line["hash"], line["previous_hash"]):
        yield "it is another event than the one that is stored"
        return
    if line["stored"] is None:
        if unproved := entry.keys() - set(PROVED):
            yield f"its bytes are left out, so nothing proves what it says of {', '.join(sorted(unproved))}"
        return
    stored = orjson.loads(b64decode(line["stored"]))
    for name in ("actor", "source", "message_id", *_OPTIONAL):
        if entry.get(name) != stored.get(name):
            yield f"{name} is not the one that is stored"
    for name in ("occurred_at", "recorded_at"):
        if _time(entry[name]) != _time(stored[name]):
            yield f"{name} is not the one that is stored"
    known = stored.get("known")
    if entry.get("known") != (known and Known.model_validate_json(orjson.dumps(known)).model_dump(mode="json")):
        yield "what was known of others is not what is stored"
    if _differ(entry["data"], stored["data"]):
        yield "the data are not those that are stored"


def _differ(shown: Any, stored: Any) -> bool:
    """Whether data differ from what is stored, but for what is sealed or erased."""
    if is_mark(shown):
        return False
    if isinstance(shown, dict) and isinstance(stored, dict):
        return any(not is_mark(each) and _differ(each, stored.get(name)) for name, each in shown.items())
    if isinstance(shown, list) and isinstance(stored, list):
        return len(shown) != len(stored) or any(map(_differ, shown, stored))
    return bool(shown != stored)


def _unmatched(
    events: Sequence[Line], history: Sequence[Mapping[str, Any]], receipts: Sequence[Line]
) -> Iterator[Flaw]:
    """Events without a receipt that names them, and receipts that name events which are not theirs."""
    recorded: dict[Promise, list[tuple[str, int]]] = {}
    for line, entry in zip(events, history, strict=True):
        recorded.setdefault((entry["source"], entry["message_id"]), []).append(
            (line["topic"].partition("#")[0], line["version"])
        )
    left_out = {
        (entry["source"], entry["message_id"]): entry
        for line, entry in zip(events, history, strict=True)
        if line["stored"] is None
    }
    for number, line in enumerate(receipts, 1):
        _, status, promised, _, _, time, actor, _ = orjson.loads(line["answer"])
        told = left_out.get((line["source"], line["id"]))
        if told and (told["actor"], _time(told["occurred_at"])) != (actor, _time(time)):
            yield Flaw(HISTORY, f"version {told['version']}: its receipt tells another actor or time")
        mine = recorded.pop((line["source"], line["id"]), [])
        if [tuple(each) for each in promised] != mine or (promised and status != "accepted"):
            yield Flaw(RECEIPTS, f"line {number}: the receipt names other events than its message recorded")
    for (source, id_), mine in recorded.items():
        yield Flaw(EVENTS, f"version {mine[0][1]}: there is no receipt of {source} {id_}, which recorded it")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
