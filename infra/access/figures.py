"""Net Promoter Scores as a reader has them: of the programmes that are theirs, mentors under pseudonyms where the matrix says so.

Suppression is that of all figures together (`infra.queries.nps`), so what a reader is not shown does not follow from what they are.
"""

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple, get_args

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
        own = theirs_of(engine, asker)
        found = [row for row in found if own.see(row["programme"], row["mentor"], suppressed=row["suppressed"])]
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
    if asker.role not in _NAMED:
        return asker.programmes
    engine.catch_up()
    return _of_relationships(engine, asker, "programme_id")


class Theirs(NamedTuple):
    """Of the relationships in which an asker stands, in lower case: their programmes, those that have no others, and their mentors."""

    programmes: frozenset[str]
    whole_programmes: frozenset[str]
    mentors: frozenset[str]

    def see(self, programme: str, mentor: str, *, suppressed: bool) -> bool:
        """Whether a figure by mentor tells of these relationships alone. A hidden one tells that there is something."""
        if programme.lower() in self.whole_programmes:
            return True
        return programme.lower() in self.programmes and mentor.lower() in self.mentors and not suppressed


def theirs_of(engine: Engine, asker: Asker) -> Theirs:
    """What the relationships are of in which the asker stands."""
    engine.catch_up()
    where, params = scope(asker)
    of_programmes = engine.database.query(
        f"SELECT LOWER(programme_id), COUNT(*), SUM(CASE WHEN {where} THEN 1 ELSE 0 END) FROM relationships "  # noqa: S608 - our own words
        "GROUP BY LOWER(programme_id)",
        params,
    )
    return Theirs(
        frozenset(programme_id for programme_id, _, own in of_programmes if own),
        frozenset(programme_id for programme_id, count, own in of_programmes if own == count),
        _of_relationships(engine, asker, "mentor_id"),
    )


def in_own_programmes(engine: Engine, asker: Asker) -> Asker:
    """The asker with their own programmes: a supplier's token covers every one, and theirs are those in which a relationship names them."""
    return asker._replace(programmes=programmes_of(engine, asker)) if asker.role == "supplier" else asker


def _of_relationships(engine: Engine, asker: Asker, column: str) -> frozenset[str]:
    where, params = scope(asker)
    rows = engine.database.query(f"SELECT DISTINCT LOWER({column}) FROM relationships WHERE {where}", params)  # noqa: S608 - our own words
    return frozenset(value for (value,) in rows)


def _is(row: Shown, key: str, wanted: str | None) -> bool:
    return wanted is None or row[key].lower() == wanted.lower()
