"""`rapport codes`: the clauses of the five codes, and what implements and tests each."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from domain.codes.clauses import CLAUSES, CODES, KINDS, POLICY, Clause
from infra.cli.output import REFUSED, USAGE, JsonOption, fail, print_json, print_note, print_table, print_text
from infra.codes.trace import Trace, find_suite, trace
from infra.unknown_name import unknown_name

NOTHING = "none"


def register(app: typer.Typer) -> None:
    """Add `codes list`, `codes show` and `codes trace`."""
    codes = typer.Typer(help="The codes of conduct, clause by clause.", no_args_is_help=True)
    codes.command("list")(list_clauses)
    codes.command("show")(show_clause)
    codes.command("trace")(trace_clauses)
    app.add_typer(codes, name="codes")


def list_clauses(as_json: JsonOption = False) -> None:
    """List every clause of every code."""
    _list(CLAUSES.values(), as_json=as_json)


def _list(clauses: Iterable[Clause], *, as_json: bool) -> None:
    if as_json:
        print_json([_described(clause) for clause in clauses])
        return
    print_table(("clause", "kind", "rule"), ((c.id, c.kind, c.rule) for c in clauses), every=True)


def show_clause(
    clause_id: Annotated[str, typer.Argument(metavar="ID", help="A clause, e.g. cmn.objectives, or a code.")],
    as_json: JsonOption = False,
) -> None:
    """Show one clause: its rule, what it binds, what implements and tests it. Of a code, list the clauses."""
    if clause_id in CODES or clause_id == POLICY.id:
        _list([clause for clause in CLAUSES.values() if clause.code == clause_id], as_json=as_json)
        return
    if clause_id not in CLAUSES:
        fail(f"no code has a clause {clause_id!r}; `rapport codes list` names them all", USAGE)
    found = next(row for row in _traced() if row.clause.id == clause_id)
    clause, code = found.clause, CODES.get(found.clause.code, POLICY)
    if as_json:
        print_json({**_described(clause), "version": code.version, "title": code.title} | _evidence(found))
        return
    print_text(f"{clause.id} ({clause.kind})")
    print_text(f"{code.title}, version {code.version}")
    for paragraph in ("", clause.rule, ""):
        print_text(paragraph)
    for label, lines in (
        ("binds", clause.binds),
        ("implemented by", found.implemented_by),
        ("tested by", found.tests),
    ):
        print_text(label)
        for line in lines or [NOTHING]:
            print_text(f"  {line}", 4)


def trace_clauses(
    as_json: JsonOption = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if a clause lacks code or tests.")] = False,
    except_kind: Annotated[
        list[str] | None,
        typer.Option(help="With --strict, let clauses of this kind alone pass; may be repeated."),
    ] = None,
) -> None:
    """Show for each clause the code that implements it and the tests that exercise it."""
    excepted = set(except_kind or ())
    if unknown := excepted - set(KINDS):
        fail(unknown_name("kind of clause", min(unknown), KINDS), USAGE)
    rows = _traced()
    if as_json:
        print_json([{"id": row.clause.id, **_evidence(row)} for row in rows])
    else:
        print_table(
            ("clause", "kind", "implemented by", "tests"),
            (
                (row.clause.id, row.clause.kind, " ".join(row.implemented_by) or NOTHING, len(row.tests) or NOTHING)
                for row in rows
            ),
            every=True,
        )
        whole = sum(not row.has_gap for row in rows)
        print_text(f"{whole} of {len(rows)} clauses are implemented and tested")
    gaps = [row.clause.id for row in rows if row.has_gap and not set(row.clause.kinds) <= excepted]
    if strict and gaps:
        fail(f"without code or without tests: {', '.join(gaps)}", REFUSED)


def _traced() -> list[Trace]:
    tests = find_suite()
    if tests is None:
        print_note("The tests are not installed here, so none are shown.")
    return trace(tests)


def _described(clause: Clause) -> dict[str, Any]:
    return {
        "id": clause.id,
        "code": clause.code,
        "kind": clause.kind,
        "rule": clause.rule,
        "kinds": clause.kinds,
        "binds": clause.binds,
    }


def _evidence(row: Trace) -> dict[str, Any]:
    return {"implemented_by": row.implemented_by, "tests": row.tests}
