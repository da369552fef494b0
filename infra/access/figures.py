"""Net Promoter Scores as a reader has them: of the programmes that are theirs, mentors under pseudonyms where the matrix says so.

Suppression is that of all figures together (`infra.queries.nps`), so what a reader is not shown does not follow from what they are.
"""

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any, Final, get_args

from domain.sharing.cells import cell, ways
from domain.words import Role
from infra.access.standing import Asker, scope
from infra.projection_engine.engine import Engine
from infra.projection_engine.pseudonyms import Pseudonyms
from infra.queries.nps import NOW, Moment, figures
from infra.queries.nps_record import EVER, By, Window

Shown = dict[str, Any]
# A customer or supplier has figures of the programmes in which a relationship names them.
_NAMED: Final[frozenset[Role]] = frozenset({"customer", "supplier"})


class MayNot(Exception):
    """The matrix shows the asker's role no figures."""


def nps(
    engine: Engine,
    asker: Asker,
    pseudonyms: Pseudonyms,
    *,
    by: Collection[By] = (),
    programme: str | None = None,
    mentor: str | None = None,
    window: Window = EVER,
    moment: Moment = NOW,
) -> list[Shown]:
    """The rows as `rapport nps` gives them. An asker of some programmes has them by programme.

    By mentor a customer or supplier has no row that tells of a relationship in which they don't stand: those of other mentors, and hidden
    ones, for these tell that there is something.

    Raises:
        MayNot: The asker's role has no figures.
        WrongWindow: The window ends before it begins, or one of its months has not begun.
    """
    if "few" not in ways(cell("nps_score", asker.role)):
        raise MayNot
    theirs = programmes_of(engine, asker)
    wanted = {*by}
    if programme is not None or theirs is not None:
        wanted.add("programme")
    if mentor is not None:
        wanted.add("mentor")
    found = figures(engine, [key for key in get_args(By) if key in wanted], window, moment)
    if theirs is not None:
        found = [row for row in found if row["programme"].lower() in theirs]
    if "mentor" in wanted and asker.role in _NAMED:
        known, whole = mentors_of(engine, asker), whole_programmes_of(engine, asker)
        found = [
            row
            for row in found
            if row["programme"].lower() in whole or (row["mentor"].lower() in known and not row["suppressed"])
        ]
    if "mentor" in wanted and "pseudonym" in ways(cell("identity", asker.role)):
        found = _renamed(found, [key for key in get_args(By) if key in wanted], pseudonyms)
    return [row for row in found if _is(row, "programme", programme) and _is(row, "mentor", mentor)]


def _renamed(found: list[Shown], keys: Sequence[By], pseudonyms: Pseudonyms) -> list[Shown]:
    """The rows with pseudonyms for mentors, in the order of these: that of the ids would tell which is whose."""
    renamed = [row | {"mentor": pseudonyms(row["mentor"])} for row in found]
    questions = groupby(renamed, key=lambda row: (row["role"], row["occasion"]))
    return [row for _, rows in questions for row in sorted(rows, key=lambda row: [row[key] for key in keys])]


def programmes_of(engine: Engine, asker: Asker) -> frozenset[str] | None:
    """The programmes of which the asker has figures; None: all of them."""
    return _of_relationships(engine, asker, "programme_id") if asker.role in _NAMED else asker.programmes


def mentors_of(engine: Engine, asker: Asker) -> frozenset[str]:
    """The mentors of the relationships in which the asker stands, in lower case."""
    return _of_relationships(engine, asker, "mentor_id")


def whole_programmes_of(engine: Engine, asker: Asker) -> frozenset[str]:
    """The programmes in all of whose relationships the asker stands, in lower case."""
    engine.catch_up()
    where, params = scope(asker)
    rows = engine.database.query(
        "SELECT LOWER(programme_id) FROM relationships GROUP BY LOWER(programme_id) "  # noqa: S608 - our own words
        f"HAVING COUNT(*) = SUM(CASE WHEN {where} THEN 1 ELSE 0 END)",
        params,
    )
    return frozenset(programme_id for (programme_id,) in rows)


def _of_relationships(engine: Engine, asker: Asker, column: str) -> frozenset[str]:
    engine.catch_up()
    where, params = scope(asker)
    rows = engine.database.query(f"SELECT DISTINCT LOWER({column}) FROM relationships WHERE {where}", params)  # noqa: S608 - our own words
    return frozenset(value for (value,) in rows)


def _is(row: Shown, key: str, wanted: str | None) -> bool:
    return wanted is None or row[key].lower() == wanted.lower()
