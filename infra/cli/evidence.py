"""`rapport audit bundle`, `check-bundle` and `witness`: evidence for somebody who does not trust the operator of the store."""

import platform
import re
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.opening import login, opened
from infra.cli.output import (
    REFUSED,
    USAGE,
    JsonOption,
    fail,
    fail_unknown,
    print_json,
    print_json_line,
    print_note,
    print_text,
)
from infra.cli.running import running

if TYPE_CHECKING:
    from infra.bootstrap import Rapport
    from infra.evidence.bundle_check import BundleVerdict
    from infra.evidence.note import Note, Signer, Verifier
    from infra.evidence.witness import Witnessed


def register(audit: typer.Typer) -> None:
    """Add the commands to `audit`."""
    audit.command("bundle")(make_bundle)
    audit.command("check-bundle")(check)
    audit.command("witness")(cosign)


def make_bundle(
    subject: Annotated[str, typer.Argument(metavar="ID", help="A relationship, mentor:ID, case:ID or programme:ID.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.zip", help="The file to write.")],
    as_json: JsonOption = False,
) -> None:
    """Write the evidence about one subject into a file that can be checked without a database.

    It has the subject's events and receipts with the proof that each is in the log, a signed checkpoint, the codes and the policy
    that applied, the workers' decisions, and what it all proves in plain words. What people wrote is in it only sealed.
    """
    from infra.evidence.bundle import bundle
    from infra.evidence.note import Checkpoint
    from infra.queries.subject import found_subject
    from infra.whole_file import whole_file

    with opened() as rapport:
        subject = found_subject(rapport.store, subject)
        if not rapport.store.heads([subject])[subject].version:
            fail_unknown(subject)
        checkpoints = rapport.checkpoints(print_note)
        note = checkpoints.signed()
        stamp = checkpoints.stamp(note)
        raw = bundle(rapport.store, subject, checkpoints.signer(), note, rapport.clock.now(), stamp)
        verifier = str(checkpoints.verifier())
    try:
        with whole_file(output) as out:
            out.write(raw)
    except OSError as error:
        fail(f"{output} can't be written: {error.strerror}", REFUSED)
    if as_json:
        at = Checkpoint.of(note)
        tree = {"size": at.size, "root": b64encode(at.root).decode()}
        print_json({"subject": subject, "file": str(output), "bytes": len(raw), "tree": tree, "key": verifier})
    else:
        print_text(f"{output}: the evidence about {subject}, {len(raw):,} bytes")
    print_note(f"public key: {verifier}")


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A bundle.")],
    key: Annotated[str, typer.Option("--key", metavar="VERIFIER", help="The public key of the store it is from.")],
    roots: Annotated[
        Path | None,
        typer.Option(
            "--timestamp-roots",
            metavar="PEM",
            exists=True,
            dir_okay=False,
            help="PEM certificates by which its time stamp is trusted.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a bundle, with nothing but the file and the store's public key. Exits 1 if anything in it was changed.

    Get the key from somebody you trust, not from the sender of the file.
    """
    from infra.evidence.bundle_check import check_bundle
    from infra.evidence.stamps import NoStamp, read_roots

    verifier = verifier_key(key)
    assert verifier is not None, "the option is required"
    try:
        raw = file.read_bytes()
    except OSError as error:
        fail(f"{file} can't be read: {error.strerror}", USAGE)
    try:
        trusted = read_roots(roots) if roots is not None else ()
    except NoStamp as error:
        fail(f"--timestamp-roots: {error}", USAGE)
    verdict = check_bundle(raw, verifier, trusted)
    if as_json:
        print_json(_json(verdict))
    else:
        _print(verdict)
    if verdict.problems:
        member, problem = verdict.problems[0]
        fail(f"the bundle does not hold: {member}: {problem}", REFUSED)


def cosign(
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where the witness keeps what it signed last.")],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="PLACE",
            exists=True,
            help="The store's checkpoints, a file or folder; else RAPPORT_CHECKPOINTS.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="VERIFIER", help="The store's public key; else that of its own key file."),
    ] = None,
    witness_key: Annotated[
        Path | None,
        typer.Option("--witness-key", metavar="FILE", help="The witness's key; else FILE.key beside what it keeps."),
    ] = None,
    every: Annotated[
        float | None, typer.Option("--every", metavar="SECONDS", min=0.1, help="Go on, every so many seconds.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Follow the log from another account or machine: sign each newer checkpoint that has grown out of the last one.

    Run it under an account that can read the store but has nothing to do with running it. A log that was rewritten or cut off since the
    last checkpoint is a fork: nothing is signed, and the command exits 1. What it keeps is the checkpoint with both signatures.
    """
    log, file = verifier_key(key), witness_key or to.with_name(f"{to.name}.key")
    if every is None:
        with opened() as rapport:
            _Witness(rapport, source, log, file, to, as_json=as_json).turn()
        return
    with running("witness", None, "127.0.0.1") as (rapport, process):
        witness = _Witness(rapport, source, log, file, to, as_json=as_json)
        witness.turn()
        while not process.stop.wait(every):
            witness.turn()


class _Witness:
    """A witness at work: its key, the store's, and its last answer."""

    def __init__(
        self, rapport: "Rapport", source: Path | None, log: "Verifier | None", key: Path, to: Path, *, as_json: bool
    ) -> None:
        self._rapport, self._to, self._as_json = rapport, to, as_json
        self._checkpoints = rapport.checkpoints(print_note)
        if source is not None:
            self._checkpoints.place = str(source)
        self._log = log or self._checkpoints.verifier_or_made()
        self._signer = _witness(key)
        self._size = -1

    def turn(self) -> None:
        """Sign the newest checkpoint, if it follows."""
        from infra.evidence.witness import witness

        signed = witness(
            self._rapport.store, self._newest(), self._log, self._signer, self._to, self._rapport.clock.now()
        )
        if signed.checkpoint.size != self._size:
            self._size = signed.checkpoint.size
            self._tell(signed)

    def _newest(self) -> "Note":
        """The newest checkpoint that the store keeps; where it keeps none, one that is signed now."""
        from infra.evidence.note import Note
        from infra.evidence.witness import newest_of

        if self._checkpoints.place is None:
            return self._checkpoints.signed()
        kept = newest_of(self._checkpoints.kept([self._log]))
        if kept is None:
            fail(f"there is no checkpoint yet in {self._checkpoints.place}", REFUSED)
        return Note.parse(kept.raw)

    def _tell(self, signed: "Witnessed") -> None:
        if self._as_json:
            origin, size, root = signed.checkpoint
            tree = {"origin": origin, "size": size, "root": b64encode(root).decode()}
            answer = {**tree, "since": signed.since, "file": str(self._to), "witness": str(self._signer.verifier)}
            print_json_line(answer)
        else:
            print_text(f"{self._to}: {signed.checkpoint.size} leaves, grown out of {signed.since}")
            print_note(f"public key of the witness: {self._signer.verifier}")


def _witness(file: Path) -> "Signer":
    """The key of the witness, made at first use in the name of this account and machine."""
    from infra.evidence.note import COSIGNATURE
    from infra.evidence.signing_key import read, read_or_make

    if file.exists():
        return read(file, None, COSIGNATURE)
    name = re.sub(r"[^A-Za-z0-9._@-]", "-", f"{login()}@{platform.node() or 'localhost'}")
    return read_or_make(file, f"witness/{name}", print_note, COSIGNATURE)


def verifier_key(text: str | None) -> "Verifier | None":
    """The public key that an option gives; ends the command where it is none."""
    from infra.evidence.note import BadNote, Verifier

    try:
        return None if text is None else Verifier.parse(text)
    except BadNote as error:
        fail(f"--key: {error}", USAGE)


def _json(verdict: "BundleVerdict") -> dict[str, Any]:
    at = verdict.checkpoint
    return {
        "ok": verdict.ok,
        "subject": verdict.subject,
        "events": verdict.events,
        "receipts": verdict.receipts,
        "checkpoint": at and {"origin": at.origin, "size": at.size, "root": b64encode(at.root).decode()},
        "stamp": verdict.stamp and {"at": verdict.stamp.at, "trusted": verdict.stamp.trusted},
        "left_out": list(verdict.left_out),
        "problems": [flaw._asdict() for flaw in verdict.problems],
    }


def _print(verdict: "BundleVerdict") -> None:
    for member, problem in verdict.problems:
        print_text(f"{member}: {problem}", 4)
    if verdict.checkpoint is not None:
        size = verdict.checkpoint.size
        print_text(
            f"{verdict.events} events and {verdict.receipts} receipts of {verdict.subject} checked against {size} leaves"
        )
    if verdict.stamp is not None:
        print_text(f"the checkpoint was {verdict.stamp.told()}", 4)
    if verdict.left_out:
        print_text(f"of versions {', '.join(map(str, verdict.left_out))} the hash alone is there, not what they say", 4)
