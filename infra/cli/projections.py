"""`rapport projections`: how far the datasets are, building them anew, folding them again to compare, letting go, following."""

from typing import Annotated, Any

import typer

from infra.cli.output import REFUSED, USAGE, JsonOption, fail, print_json, print_note, print_table, print_text
from infra.cli.projecting import projecting
from infra.cli.running import MetricsHostOption, MetricsPortOption, running
from infra.cli.times import shown_time
from infra.unknown_name import unknown_name

NameArgument = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="A projection or one of its datasets; all when none is given.")
]


def register(app: typer.Typer) -> None:
    """Add `projections status`, `rebuild`, `check`, `retry` and `follow`."""
    projections = typer.Typer(help="The tables that answer questions, folded from the log.", no_args_is_help=True)
    projections.command("status")(status)
    projections.command("rebuild")(rebuild)
    projections.command("check")(check)
    projections.command("retry")(retry)
    projections.command("follow")(follow)
    app.add_typer(projections, name="projections")


def _known(name: str | None) -> list[str]:
    """The projections that a name means, all for none; exits 2 for one that there isn't."""
    from projections.catalogue import all_projections, datasets, projection_of, tables_of

    if name is None:
        return [each.name for each in all_projections()]
    found = projection_of(name)
    if found is None and name in datasets():
        fail(f"{name} is kept by no projection: it needs no building", USAGE)
    if found is None:
        known = {each.name for each in all_projections()} | {t.name for p in all_projections() for t in tables_of(p)}
        fail(unknown_name("projection", name, sorted(known)), USAGE)
    return [found.name]


def status(as_json: JsonOption = False) -> None:
    """Show how far every projection is behind the head of the log, and which streams are held up. Changes nothing."""
    from infra.projection_engine.status import status as look

    with projecting() as engine:
        found = look(engine)
    if as_json:
        rows = [
            {
                **each._asdict(),
                "held": [held._asdict() for held in each.held],
                "building": each.building and each.building._asdict(),
            }
            for each in found.projections
        ]
        print_json({"head": found.head, "projections": rows})
        return
    print_text(f"head of the log: {found.head:,}")
    print_table(
        ("projection", "version", "position", "lag", "held up", "next change", "state"),
        (
            (
                each.name,
                each.version,
                f"{each.position:,}",
                f"{each.lag:,}",
                len(each.held),
                shown_time(each.due),
                _state(each),
            )
            for each in found.projections
        ),
    )
    _print_held([held._asdict() for each in found.projections for held in each.held])


def _state(each: Any) -> str:
    if each.building:
        return f"being built, at {each.building.reached or each.building.position}"
    return "to be built anew" if each.outdated else "live"


def rebuild(
    name: NameArgument = None,
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="How many processes fold; as many as can run at once when the log is long."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Rebuild projections beside the live ones, show what differs, and switch. A killed build resumes where it was."""
    from infra.projection_engine.build import rebuild as build

    names = _known(name)
    with projecting(aloud=True) as engine:
        engine.make_tables()
        found = build(engine, names, explain=True, processes=processes)
    rows = [each._asdict() for each in found]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("dataset", "rows", "new", "gone", "changed", "for instance"),
        (
            (
                row["dataset"],
                f"{row['rows']:,}",
                row["new"],
                row["gone"],
                row["changed"],
                "; ".join(" ".join(example) for example in row["examples"]),
            )
            for row in rows
        ),
    )
    for row in rows:
        if row["live_position"] is not None:
            print_note(f"{row['dataset']}: the old rows stood at position {row['live_position']}, so more may differ")


def check(
    everything: Annotated[bool, typer.Option("--all", help="Every stream instead of a sample.")] = False,
    sample: Annotated[int, typer.Option(min=1, help="How many streams a sample has.")] = 200,
    as_json: JsonOption = False,
) -> None:
    """Check stored rows against streams folded from the log, row by row; exits 1 if any row differs."""
    from infra.projection_engine.check import check as fold_anew

    with projecting(aloud=True) as engine:
        found = fold_anew(engine, all_streams=everything, sample=sample)
    wrong = [each._asdict() for each in found.wrong]
    if as_json:
        print_json({"ok": not wrong, "position": found.position, "streams": found.streams, "rows": found.rows, "wrong": wrong})  # fmt: skip
    else:
        counted = f"{found.streams:,} streams, {found.rows:,} rows at position {found.position:,}"
        print_text(f"{counted}: {len(wrong)} differ")
        print_table(
            ("dataset", "key", "column", "stored", "folded"),
            ((w["dataset"], " ".join(w["key"]), w["column"] or "", w["stored"], w["folded"]) for w in wrong),
            rest="--json has them all",
        )
    if wrong:
        raise typer.Exit(REFUSED)


def retry(
    name: NameArgument = None,
    subject: Annotated[str | None, typer.Option(help="One stream instead of all that are held up.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Retry streams that are held up: fold them again from the log; exits 1 if any is still held up."""
    from infra.projection_engine.quarantine import retry as let_go

    names = _known(name)
    with projecting() as engine:
        found = let_go(engine, names, subject)
    if as_json:
        print_json({"released": [h._asdict() for h in found.released], "held": [h._asdict() for h in found.held]})
    else:
        print_text(f"{len(found.released)} let go, {len(found.held)} still held up")
        _print_held([held._asdict() for held in found.held])
    if found.held:
        raise typer.Exit(REFUSED)


def _print_held(rows: list[dict[str, Any]]) -> None:
    if rows:
        print_table(
            ("held up in", "stream", "stale since", "event", "why"),
            ((r["projection"], r["subject"], r["position"], f"v{r['version']} {r['event']}", r["error"]) for r in rows),
            title="waiting for `rapport projections retry`",
            rest="--json has them all",
        )


def follow(metrics_port: MetricsPortOption = None, metrics_host: MetricsHostOption = "127.0.0.1") -> None:
    """Follow the log, so that the datasets in the database are always up to date.

    Several at once are safe: each piece of work is done once. Ends cleanly on Ctrl-C and SIGTERM.
    """
    with running("projections", metrics_port, metrics_host) as (rapport, process):
        from infra.operations.keep import keep_going
        from infra.projection_engine.build import AlreadyBuilding
        from infra.projection_engine.following import Following

        engine = rapport.engine()
        keep_going(
            process, "projections", lambda: Following(engine, process.stop), troubles={AlreadyBuilding: "projections"}
        )
