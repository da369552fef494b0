"""`rapport audit`: recompute the record and say what is wrong with it."""

from typing import TYPE_CHECKING, Annotated

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
    from infra.evidence.verify import Verdict, Wrong
    from infra.projection_engine.engine import Engine
    from infra.store.errors import StoreError
    from infra.store.log import EventStore


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
    """Check that every event is decodable, in its place, linked to the one before and legal. Exits 1 if any is not.

    What the workers decided is replayed and compared with the receipts of their decisions, and the datasets are folded anew
    and compared row by row. All of it is of one moment, and each is compared up to where it was then: others may go on writing.
    """
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
            verdict = _verified(store, engine, subject, trouble)
            clocks = store.clocks()
    if as_json:
        problems = [wrong._asdict() for wrong in verdict.problems]
        print_json(
            {"ok": verdict.ok, **verdict._asdict(), "problems": problems, "clocks": [mark._asdict() for mark in clocks]}
        )
    else:
        shown, left = capped(verdict.problems, every=every)
        for wrong in shown:
            print_text(f"{wrong.subject} version {wrong.version}: {wrong.problem}", 4)
        print_rest(left)
        print_text(f"{verdict.events} events of {verdict.subjects} subjects checked, {len(verdict.problems)} wrong")
        for mark in clocks:
            if mark.clock == "fixed":
                print_text(
                    f"a fixed clock was used (RAPPORT_CLOCK or work --until), first after position {mark.position}, "
                    f"where it said {mark.at:%Y-%m-%dT%H:%M:%SZ}"
                )
    if verdict.problems:
        first = verdict.problems[0]
        fail(f"the first wrong event is version {first.version} of {first.subject}: {first.problem}", REFUSED)


def _verified(store: "EventStore", engine: "Engine", subject: str | None, trouble: "StoreError | None") -> "Verdict":
    """The record, and if it is whole what rests on it, all of one moment. Raises the trouble if there was nothing else."""
    from infra.evidence.verify import Wrong, verify
    from infra.worker_runtime.verify import verify as verify_decisions

    total = None if subject else store.head()
    with progress("verifying", total) as advance:
        verdict = verify(store, subject, advance)
    if verdict.ok:
        # What workers decided can only be recomputed on a record that is whole.
        with progress("replaying decisions", total) as advance:
            odd = verify_decisions(store, subject, advance)
        verdict = verdict._replace(problems=tuple(Wrong(*problem) for problem in odd))
    if verdict.ok and trouble is not None:
        raise trouble
    return verdict._replace(problems=_odd_rows(store, engine, subject)) if verdict.ok else verdict


def _odd_rows(store: "EventStore", engine: "Engine", subject: str | None) -> "tuple[Wrong, ...]":
    """The rows of the datasets that are not what the events make of them, each at the last event of its subject."""
    from infra.evidence.verify import Wrong
    from infra.projection_engine.check import check
    from infra.projection_engine.engine import Engine

    frozen = Engine(store, engine.clock, watcher=engine.watcher, prepare_shown=engine.prepare_shown)
    found = check(frozen, all_streams=True, only=subject, catch_up=False).wrong
    heads = store.heads({row.key[0] for row in found})
    return tuple(
        Wrong(
            row.key[0],
            heads[row.key[0]].version,
            f"the dataset {row.dataset} has in row {'/'.join(map(str, row.key))} {row.stored} "
            f"where the events make it {row.folded} ({row.column or 'the row'})",
        )
        for row in found
    )
