"""`rapport audit`: recompute the record and say what is wrong with it."""

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli import evidence
from infra.cli.evidence import verifier_key
from infra.cli.opening import configured, opened
from infra.cli.output import (
    REFUSED,
    AllOption,
    JsonOption,
    capped,
    fail,
    fail_unknown,
    print_json,
    print_lines,
    print_note,
    print_rest,
    print_text,
    progress,
)
from infra.cli.projecting import engine_of

if TYPE_CHECKING:
    from infra.evidence.checkpoints import Held
    from infra.evidence.verify import Verdict
    from infra.evidence.wrong import Wrong
    from infra.store.clocks import ClockMark

CheckpointOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--checkpoint", metavar="FILE", exists=True, help="A checkpoint, or a folder of them, to hold the tree against."
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="VERIFIER", help="The public key of the checkpoints; else the store's own."),
]


def register(app: typer.Typer) -> None:
    """Add `audit verify`."""
    audit = typer.Typer(help="Recompute the record and check it; make evidence for others.", no_args_is_help=True)
    audit.command("verify")(verify_record)
    audit.command("checkpoint")(make_checkpoint)
    evidence.register(audit)
    app.add_typer(audit, name="audit")


def verify_record(
    subject: Annotated[str | None, typer.Argument(metavar="[ID]", help="One subject; without it, all.")] = None,
    every: AllOption = False,
    checkpoint: CheckpointOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the whole record, or one subject. Exits 1 if anything is wrong or could not be checked.

    Every event must be decodable, in its place and linked to the one before, and every message that was accepted is decided again. Events
    and receipts must match one to one and be the leaves of the tree beside the log. What the workers decided is replayed and compared with the receipts of their
    decisions, and the datasets are folded anew and compared row by row. All of it is of one moment, and each is compared up to
    where it was then: others may go on writing.

    The tree is held against the checkpoints in RAPPORT_CHECKPOINTS and against those given here, which may come from elsewhere.
    """
    from infra.evidence.audit import audit, with_undone
    from infra.evidence.checkpoints import Checkpoints, gathered
    from infra.evidence.helpers import one_moment
    from infra.operations.helper_process import program
    from infra.queries.subject import found_subject
    from infra.store.errors import StoreError

    with opened() as rapport, engine_of(rapport) as engine:
        subject = found_subject(engine.store, subject) if subject else None
        if subject and not engine.store.heads([subject])[subject].version:
            fail_unknown(subject)
        held = gathered(Checkpoints(engine.store, configured()), checkpoint or (), verifier_key(key))
        held = with_undone(held, rapport.undone_erasures())
        trouble: StoreError | None = None
        try:
            engine.catch_up()
        except StoreError as error:
            # A record that is damaged may be why; then that is what there is to tell.
            trouble = error
        alone = subject is not None
        with one_moment(
            engine.store, program("infra.cli.audit_helper"), configured(), processes=1 if alone else None
        ) as (store, helpers):
            verdict = audit(store, engine, progress, subject, held, trouble, helpers)
            clocks = store.clocks()
    if as_json:
        print_json(_verdict_json(verdict, held, clocks))
    else:
        shown, left = capped(verdict.problems, every=every)
        for wrong in shown:
            print_text(_sentence(wrong), 4)
        print_rest(left)
        shown_skipped, left = capped(verdict.skipped, every=every)
        for each in shown_skipped:
            print_text(f"skipped: {each}", 4)
        print_rest(left)
        print_text(f"{verdict.events} events of {verdict.subjects} subjects checked, {len(verdict.problems)} wrong")
        print_text(f"tree of {verdict.tree.size} leaves, root {_base64(verdict.tree.root)}")
        print_text(_told_checkpoint(held))
        for mark in clocks:
            if mark.clock == "fixed":
                print_text(
                    f"a fixed clock was used (RAPPORT_CLOCK or work --until), first after position {mark.position}, "
                    f"where it said {mark.at:%Y-%m-%dT%H:%M:%SZ}"
                )
    if verdict.problems:
        fail(f"the first thing that is wrong: {_sentence(verdict.problems[0])}", REFUSED)
    if verdict.skipped:
        fail(f"not everything could be checked: {verdict.skipped[0]}", REFUSED)


def make_checkpoint(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it to this file; else it is printed.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Sign a checkpoint of the tree over all events and receipts, for somebody else to keep.

    It is a signed note (C2SP): the origin, size and root of the tree. With RAPPORT_CHECKPOINTS it is kept there too. None is signed
    that does not follow from the newest one there. The public key goes to stderr: give it to those who will check.
    """
    from infra.evidence.note import Checkpoint

    with opened() as rapport:
        checkpoints = rapport.checkpoints(print_note)
        note = checkpoints.signed()
        if checkpoints.place is not None:
            checkpoints.keep(note)
        if output is not None:
            checkpoints.write(output, note)
        verifier = str(checkpoints.verifier())
    if as_json:
        made = Checkpoint.of(note)
        tree = {"origin": made.origin, "size": made.size, "root": _base64(made.root)}
        print_json({**tree, "checkpoint": bytes(note).decode(), "key": verifier})
    elif output is None:
        print_lines(bytes(note).decode()[:-1])
    print_note(f"public key: {verifier}")


def _sentence(wrong: "Wrong") -> str:
    return (
        f"{wrong.subject} version {wrong.version}: {wrong.problem}"
        if wrong.version
        else f"{wrong.subject}: {wrong.problem}"
    )


def _told_checkpoint(held: "Held") -> str:
    if held.newest is None:
        return (
            "held against no checkpoint: somebody who can rewrite the whole database could have done so; "
            "`rapport audit checkpoint` makes one to keep elsewhere"
        )
    stamped = f"; the newest stamp: {held.stamp.told()}" if held.stamp is not None else ""
    return f"held against checkpoints; the newest is of {held.newest.size} leaves{stamped}"


def _verdict_json(verdict: "Verdict", held: "Held", clocks: "list[ClockMark]") -> dict[str, Any]:
    newest, stamp = held.newest, held.stamp
    checkpoint = newest and {"origin": newest.origin, "size": newest.size, "root": _base64(newest.root)}
    if checkpoint is not None and stamp is not None:
        checkpoint |= {"stamp": {"at": stamp.at, "trusted": stamp.trusted}}
    return {
        "ok": verdict.ok,
        "relationships": verdict.relationships,
        "subjects": verdict.subjects,
        "events": verdict.events,
        "skipped": list(verdict.skipped),
        "tree": {"size": verdict.tree.size, "root": _base64(verdict.tree.root), "checkpoint": checkpoint},
        "problems": [wrong._asdict() for wrong in verdict.problems],
        "clocks": [mark._asdict() for mark in clocks],
    }


def _base64(hash_: bytes) -> str:
    """A hash as checkpoints write it."""
    return b64encode(hash_).decode()
