"""A bundle: the evidence about one subject in one file, to be checked by somebody who has no access to the store.

It has every event and receipt of the subject as they are stored, the proof of each that it is a leaf of the tree, the signed
checkpoint of the tree, the codes and the policy that applied, what the workers decided, and what all that proves in plain words.
Words are in it only sealed. An event that is stored with words in the clear is left out, but for its hash, which proves its place
all the same; so is one with a value that the matrix does not open to a coordinator as it is, such as a score.
"""

from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from hashlib import sha256
from io import BytesIO
from typing import Any, Final
from zipfile import ZipFile

import orjson
from pydantic import BaseModel

from domain.codes.clauses import CODES, Code
from domain.codes.clauses import POLICY as OWN_CODE
from domain.commitment import POLICY
from domain.content import content_of
from domain.model import data_class_of
from domain.registry import COMMAND_OF, COMMANDS
from domain.registry import EVENTS as EVENT_TYPES
from domain.relationship.events import FactCorrected
from domain.sharing.cells import cell
from infra.evidence import tree
from infra.evidence.archive import MANIFEST, packed
from infra.evidence.log_tree import TreeReader
from infra.evidence.note import Checkpoint, Note, Signer
from infra.evidence.tree_audit import events_of, receipts_of
from infra.pages.page import is_mark as is_sealed
from infra.pages.page import page
from infra.queries.history import Entry, history
from infra.queries.tasks import decisions
from infra.store.hash_chain import NO_HASH
from infra.store.log import EventStore

README: Final = "README.txt"
PAGE: Final = "check.html"
CHECKPOINT: Final = "checkpoint"
EVENTS: Final = "events.jsonl"
RECEIPTS: Final = "receipts.jsonl"
HISTORY: Final = "history.json"
CODES_FILE: Final = "codes.json"
DECISIONS: Final = "decisions.json"
# The time stamp of the checkpoint, where it has one.
STAMP: Final = "checkpoint.tsr"
MEMBERS: Final = (README, PAGE, CHECKPOINT, EVENTS, RECEIPTS, HISTORY, CODES_FILE, DECISIONS)
# What is told of an event whose stored bytes are left out: its receipt and the chain prove it.
PROVED: Final = ("version", "type", "occurred_at", "actor", "source", "message_id", "hash", "previous_hash")
Line = dict[str, Any]

_README: Final = """\
Evidence about {subject}

This file shows what Rapport recorded about {subject} up to leaf {size} of its log, and lets you
check it without access to Rapport's database and without trusting its operator.

To check it: install Rapport (Python 3.11 or newer), and run

    rapport audit check-bundle FILE --key VERIFIER

VERIFIER is the public key of the store {origin}. Get it from somebody you trust, not from
the person who gave you this file. `rapport audit checkpoint` tells it.

What is inside
  check.html      what is proved, for a browser
  checkpoint      the state of the whole log, signed: how many leaves it has, and the root over them
  events.jsonl    each event as it is stored, with the proof that it is a leaf of the log
  receipts.jsonl  the answer to each message about the subject, refused ones too, with the same proof
  history.json    the events for people to read
  codes.json      the codes of conduct and the policy that applied
  decisions.json  what Rapport's workers decided about the subject, and under which clauses
  checkpoint.tsr  where it is there: when a time stamp authority saw the checkpoint (RFC 3161)
  MANIFEST        the hash of every file, signed

What it proves
  Each event and each receipt was in the log when the checkpoint was signed, in this order, and no byte
  of it has been changed since. If you, or somebody you trust, kept an earlier checkpoint of the
  same store, `rapport audit verify --checkpoint` and a witness prove that the log was not rewritten.

What it does not prove
  That what a sender told was true, or that the clocks were right. That nothing followed after the last
  event: that rests on the signature of the store's operator. Nothing, if the signing key was stolen.

Words that people wrote are in it only sealed. {left_out}
"""


def bundle(
    store: EventStore, subject: str, signer: Signer, checkpoint: Note, made_at: datetime, stamp: bytes | None = None
) -> bytes:
    """The evidence about a subject at a checkpoint of the store, which is read in one state; `stamp` is its time stamp.

    Raises:
        UnknownEvent: An event is of a newer Rapport.
        DamagedStore: The tree lacks a hash.
    """
    at = Checkpoint.of(checkpoint)
    with store.database.reading() as session:
        proofs = _Proofs(TreeReader(session), at)
        events = [line for row in events_of(session, subject) if (line := proofs.of_event(row)) is not None]
        receipts = [line for row in receipts_of(session, subject) if (line := proofs.of_receipt(row)) is not None]
    entries = [entry for entry in history(store, subject) if entry["version"] <= len(events)]
    _leave_words_out(events, entries)
    left_out = [event["version"] for event in events if event["stored"] is None]
    codes = _codes(entries)
    told = {
        "subject": subject,
        "origin": at.origin,
        "size": at.size,
        "root": b64encode(at.root).decode(),
        "entries": [
            {"leaf": event["leaf"], **{name: entry[name] for name in ("version", "type", "occurred_at", "actor")}}
            for event, entry in zip(events, entries, strict=True)
        ],
        "receipts": [_told_receipt(receipt) for receipt in receipts],
        "codes": codes["codes"],
        "left_out": left_out,
        "made_at": made_at,
    }
    readme = _README.format(**told | {"left_out": _told_left_out(left_out)})
    contents = (
        readme.encode(),
        page("bundle", told),
        bytes(checkpoint),
        _lines(events),
        _lines(receipts),
        _json(entries),
        _json(codes),
        _json(_without(decisions(store.database, subject), subject, left_out)),
    )
    members = dict(zip(MEMBERS, contents, strict=True))
    return packed(subject, members if stamp is None else members | {STAMP: stamp}, signer)


def digest_of(made: bytes) -> str:
    """The digest of what a bundle proves: the same at whatever time it was made. That stands in its page, and so in its manifest."""
    digest = sha256()
    with ZipFile(BytesIO(made)) as file:
        for name in file.namelist():
            if name not in {MANIFEST, PAGE}:
                digest.update(sha256(file.read(name)).digest())
    return digest.hexdigest()


class _Proofs:
    """Makes lines of events and receipts, each with its proof; None for what came after the checkpoint."""

    def __init__(self, reader: TreeReader, at: Checkpoint) -> None:
        self._reader, self._at = reader, at
        self._previous = NO_HASH

    def of_event(self, row: Sequence[Any]) -> Line | None:
        leaf, position, subject, version, topic, state, hash_ = row
        if leaf >= self._at.size:
            return None
        previous, self._previous = self._previous, bytes(hash_)
        return {
            "leaf": leaf,
            "position": position,
            "subject": subject,
            "version": version,
            "topic": topic,
            "stored": b64encode(bytes(state)).decode(),
            "previous_hash": previous.hex(),
            "hash": bytes(hash_).hex(),
            "proof": self._proof(leaf),
        }

    def of_receipt(self, row: Sequence[Any]) -> Line | None:
        leaf, position, source, message_id, fingerprint, answer = row
        if leaf >= self._at.size:
            return None
        return {
            "leaf": leaf,
            "position": position,
            "source": source,
            "id": message_id,
            "fingerprint": bytes(fingerprint).hex(),
            "answer": bytes(answer).decode(),
            "proof": self._proof(leaf),
        }

    def _proof(self, leaf: int) -> list[str]:
        return [b64encode(each).decode() for each in tree.inclusion(leaf, self._at.size, self._reader.whole)]


def _leave_words_out(events: Sequence[Line], entries: list[Entry]) -> None:
    """Leave out the stored bytes of events that have in the clear what a reader of bundles may not see; of them what receipts prove stays."""
    codes = frozenset(entries[0]["data"].get("codes") or ()) if entries else frozenset()
    for place, (event, entry) in enumerate(zip(events, entries, strict=True)):
        stored = orjson.loads(b64decode(event["stored"]))["data"]
        model = EVENT_TYPES[entry["type"].rpartition(".")[2]]
        if _in_the_clear(entry["data"], stored) or _is_closed(model, stored, codes):
            event["stored"] = None
            entries[place] = {name: entry[name] for name in PROVED}


def _without(decided: Sequence[Entry], subject: str, left_out: Collection[int]) -> list[Entry]:
    """The decisions that rest on no event of which the bundle has the hash alone: that there is one tells how somebody answered."""
    return [
        each for each in decided if each["evidence_of"] != subject or not {*left_out}.intersection(each["evidence"])
    ]


def _is_closed(model: type[BaseModel], stored: Mapping[str, Any], codes: frozenset[str]) -> bool:
    """Whether a value is stored as it was given that the matrix opens to coordinators, the first who may have a bundle, not as it is."""
    corrected = stored.get("data")
    if model is FactCorrected and corrected:
        return _is_closed(COMMANDS[COMMAND_OF[stored["fact"]]], corrected, codes)
    return not closed_to_coordinators(model, codes).isdisjoint(stored)


@cache
def closed_to_coordinators(model: type[BaseModel], codes: frozenset[str]) -> frozenset[str]:
    """The fields that are stored in the clear, and shown to coordinators under one of these codes in figures, by agreement or not at all."""
    sealed = content_of(model)
    return frozenset(
        name
        for name in model.model_fields
        if name not in sealed
        and (kind := data_class_of(model, name)) is not None
        and any(cell(kind, "coordinator", code) != "yes" for code in (None, *codes))
    )


def _in_the_clear(shown: Any, stored: Any) -> bool:
    """Whether something that is shown as sealed is stored as it was said."""
    if isinstance(shown, dict) and isinstance(stored, dict):
        return any(
            name in stored and (is_sealed(each) or _in_the_clear(each, stored[name])) for name, each in shown.items()
        )
    if isinstance(shown, list) and isinstance(stored, list):
        return any(_in_the_clear(*each) for each in zip(shown, stored, strict=False))
    return False


def _codes(entries: Sequence[Entry]) -> dict[str, Any]:
    """The codes that a relationship adopted, at the versions pinned by its proposal, and the policy of health."""
    pinned = entries[0]["data"].get("codes", {}) if entries else {}
    adopted = [*(CODES[each] for each in pinned if each in CODES), OWN_CODE]
    return {"policy": POLICY, "pinned": pinned, "codes": [_code(each) for each in adopted]}


def _code(code: Code) -> dict[str, Any]:
    clauses = [{"id": clause.id, "kind": clause.kind, "rule": clause.rule} for clause in code.clauses]
    return {"id": code.id, "title": code.title, "version": code.version, "clauses": clauses}


def _told_receipt(receipt: Line) -> dict[str, Any]:
    _, status, _, problems, at, _, actor, command = orjson.loads(receipt["answer"])
    told = {"leaf": receipt["leaf"], "at": at, "actor": actor, "command": command, "status": status}
    return told | {"problems": [message for _, message, *_ in problems]}


def _told_left_out(versions: Sequence[int]) -> str:
    if not versions:
        return "Every event is there as it is stored."
    listed = ", ".join(map(str, versions))
    return (
        f"Left out but for their hashes, since they are stored with words in the clear: versions {listed}.\n"
        "So are decisions that rest on one of them."
    )


def _lines(lines: Sequence[Line]) -> bytes:
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z) + b"\n"
