"""`rapport audit`: recompute the record and say what is wrong with it."""

from base64 import b64encode
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.output import (
    REFUSED,
    USAGE,
    AllOption,
    JsonOption,
    capped,
    fail,
    print_json,
    print_rest,
    print_text,
    progress,
)
from infra.cli.projecting import projecting

if TYPE_CHECKING:
    from infra.evidence.verify import Verdict
    from infra.evidence.wrong import Wrong
    from infra.store.clocks import ClockMark


def register(app: typer.Typer) -> None:
    """Add `audit verify`."""
    audit = typer.Typer(help="Recompute the record and check it.", no_args_is_help=True)
    audit.callback()(_audit)
    audit.command("verify")(verify_record)
    app.add_typer(audit, name="audit")


def _audit() -> None:
    """Keeps `verify` a subcommand while it is the only one."""


def verify_record(
    subject: Annotated[str | None, typer.Argument(metavar="[ID]", help="One subject; without it, all.")] = None,
    every: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check the whole record, or one subject. Exits 1 if anything is wrong or could not be checked.

    Every event must be decodable, in its place, linked to the one before and legal; events and receipts must match one to one
    and be the leaves of the tree beside the log. What the workers decided is replayed and compared with the receipts of their
    decisions, and the datasets are folded anew and compared row by row. All of it is of one moment, and each is compared up to
    where it was then: others may go on writing.
    """
    from infra.evidence.audit import audit
    from infra.queries.subject import found_subject
    from infra.store.errors import StoreError
    from infra.store.snapshot import snapshot

    with projecting() as engine:
        subject = found_subject(engine.store, subject) if subject else None
        if subject and not engine.store.heads([subject])[subject].version:
            fail(f"nothing is recorded of {subject!r}", USAGE)
        trouble: StoreError | None = None
        try:
            engine.catch_up()
        except StoreError as error:
            # A record that is damaged may be why; then that is what there is to tell.
            trouble = error
        with snapshot(engine.store) as store:
            verdict = audit(store, engine, progress, subject, (), trouble)
            clocks = store.clocks()
    if as_json:
        print_json(_verdict_json(verdict, clocks))
    else:
        shown, left = capped(verdict.problems, every=every)
        for wrong in shown:
            print_text(_told(wrong), 4)
        print_rest(left)
        shown_skipped, left = capped(verdict.skipped, every=every)
        for each in shown_skipped:
            print_text(f"skipped: {each}", 4)
        print_rest(left)
        print_text(f"{verdict.events} events of {verdict.subjects} subjects checked, {len(verdict.problems)} wrong")
        print_text(f"tree of {verdict.tree.size} leaves, root {_base64(verdict.tree.root)}")
        for mark in clocks:
            if mark.clock == "fixed":
                print_text(
                    f"a fixed clock was used (RAPPORT_CLOCK or work --until), first after position {mark.position}, "
                    f"where it said {mark.at:%Y-%m-%dT%H:%M:%SZ}"
                )
    if verdict.problems:
        fail(f"the first thing that is wrong: {_told(verdict.problems[0])}", REFUSED)
    if verdict.skipped:
        fail(f"not everything could be checked: {verdict.skipped[0]}", REFUSED)


def _told(wrong: "Wrong") -> str:
    return f"{wrong.subject} version {wrong.version}: {wrong.problem}" if wrong.version else f"{wrong.subject}: {wrong.problem}"


def _verdict_json(verdict: "Verdict", clocks: "list[ClockMark]") -> dict[str, Any]:
    return {
        "ok": verdict.ok,
        "relationships": verdict.relationships,
        "subjects": verdict.subjects,
        "events": verdict.events,
        "skipped": list(verdict.skipped),
        "tree": {"size": verdict.tree.size, "root": _base64(verdict.tree.root), "checkpoint": None},
        "problems": [wrong._asdict() for wrong in verdict.problems],
        "clocks": [mark._asdict() for mark in clocks],
    }


def _base64(hash_: bytes) -> str:
    """A hash as checkpoints write it."""
    return b64encode(hash_).decode()
