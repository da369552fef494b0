"""`rapport audit`: recompute the record and say what is wrong with it."""

from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.opening import opened
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
    from infra.audit.verify import Wrong


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
    and compared row by row.
    """
    from infra.audit.verify import Wrong, verify
    from infra.showing.subject import normal_id
    from infra.working.verify import verify as verify_decisions

    subject = normal_id(subject) if subject else None
    with opened() as rapport:
        if subject and not rapport.store.heads([subject])[subject].version:
            fail(f"nothing is recorded of {subject!r}", USAGE)
        with progress("verifying", None if subject else rapport.store.head()) as advance:
            verdict = verify(rapport.store, subject, advance)
        clocks = rapport.store.clocks()
        if verdict.ok:
            # What workers decided can only be recomputed on a record that is whole.
            with progress("replaying decisions", None if subject else rapport.store.head()) as advance:
                odd = verify_decisions(rapport.store, subject, advance)
            verdict = verdict._replace(problems=tuple(Wrong(*problem) for problem in odd))
    if verdict.ok:
        verdict = verdict._replace(problems=_odd_rows(subject))
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


def _odd_rows(subject: str | None) -> "tuple[Wrong, ...]":
    """The rows of the datasets that are not what the events make of them, each at the last event of its subject."""
    from infra.audit.verify import Wrong
    from infra.projecting.check import check

    with projecting() as engine:
        found = check(engine, all_streams=True, only=subject).wrong
        heads = engine.store.heads({row.key[0] for row in found})
    return tuple(
        Wrong(
            row.key[0],
            heads[row.key[0]].version,
            f"the dataset {row.dataset} has in row {'/'.join(map(str, row.key))} {row.stored} "
            f"where the events make it {row.folded} ({row.column or 'the row'})",
        )
        for row in found
    )
